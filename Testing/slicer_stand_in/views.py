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
        count = 0 if node is None else node.GetNumberOfPlotSeriesNodes()
        return {series.GetID(): series for series in map(node.GetNthPlotSeriesNode, range(count))} if count else {}

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
    """Slicer's own layout logic makes the view nodes; here every plot view node gets a widget."""

    def __init__(self, scene):
        self._plots = {}
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)

    def setLayout(self, layout):
        self._logic.GetLayoutNode().SetViewArrangement(layout)

    @property
    def layout(self):
        return self._logic.GetLayoutNode().GetViewArrangement()

    def close(self):
        self._logic.SetMRMLScene(None)

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
