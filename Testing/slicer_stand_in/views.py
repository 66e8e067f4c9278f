"""The layout manager and its plot view: a real VTK chart over the chart node that the scene names."""

from __future__ import annotations

import slicer
import vtk


class PlotView:
    """Rebuilds its chart from the scene as Slicer's does, and tells what is picked on it."""

    def __init__(self, node):
        self._node, self._slots, self._plots = node, [], {}
        self._chart = vtk.vtkChartXY()
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self.chart())

    def chart(self):
        wanted = self._series()
        for name in [name for name in self._plots if name not in wanted]:
            self._chart.RemovePlotInstance(self._plots.pop(name))
        for name, series in wanted.items():
            if name not in self._plots and series.GetTableNode() is not None:
                self._plots[name] = self._chart.AddPlot(vtk.vtkChart.LINE)
                self._plots[name].SetLabel(series.GetName())
        return self._chart

    def _series(self):
        node = self._node.GetScene().GetNodeByID(self._node.GetPlotChartNodeID() or "")
        ids = vtk.vtkStringArray()
        if node is not None:
            node.GetPlotSeriesNodeIDs(ids)
        found = [node.GetScene().GetNodeByID(ids.GetValue(i)) for i in range(ids.GetNumberOfValues())]
        return {series.GetID(): series for series in found}

    def connect(self, signal, slot):
        assert signal == "dataSelected(vtkStringArray*, vtkCollection*)"
        self._slots.append(slot)

    def disconnect(self, signal, slot):
        self._slots.remove(slot)

    def pick(self, series=None, row=None):
        """A press on a point of a series, or (without one) the release that ends it."""
        ids, rows = vtk.vtkStringArray(), vtk.vtkCollection()
        if series is not None:
            point = vtk.vtkIdTypeArray()
            point.InsertNextValue(row)
            ids.InsertNextValue(series.GetID())
            rows.AddItem(point)
        for slot in list(self._slots):
            slot(ids, rows)


class PlotWidget:
    def __init__(self, node):
        self._node, self._view = node, PlotView(node)

    def mrmlPlotViewNode(self):
        return self._node

    def plotView(self):
        return self._view


class LayoutManager:
    """Remembers the layout that was set, and has a widget for every plot view node of the scene."""

    def __init__(self):
        self.layout, self._plots = None, {}

    def setLayout(self, layout):
        self.layout = layout

    def _nodes(self):
        return slicer.util.getNodesByClass("vtkMRMLPlotViewNode")

    @property
    def plotViewCount(self):
        return len(self._nodes())

    def plotWidget(self, index):
        node = self._nodes()[index]
        if node.GetID() not in self._plots or self._plots[node.GetID()].mrmlPlotViewNode() is not node:
            self._plots[node.GetID()] = PlotWidget(node)
        return self._plots[node.GetID()]

    def sliceViewNames(self):
        return ()

    @property
    def threeDViewCount(self):
        return 0
