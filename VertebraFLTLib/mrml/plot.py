"""The profile plot: uptake along the column as a line, the boundaries as markers that can be dragged along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from VertebraFLTLib.mrml.tables import MARKER_LABEL, MARKER_Y

_PROFILE_COLOR = (0.13, 0.33, 0.55)
_MARKER_COLOR = (0.84, 0.37, 0.0)


@dataclass(frozen=True)
class ProfilePlot:
    """The chart and its two series."""

    chart: Any
    profile: Any
    boundaries: Any


def add_profile_plot(
    scene: Any, profile_table: Any, boundary_table: Any, name: str = "Uptake along the column"
) -> ProfilePlot:
    """A chart over the two tables. Points move along x only, so that a marker's drag changes ``z_mm`` and nothing else.

    Both series are of type Scatter: the Line type counts rows instead of reading an X column. The markers come last,
    since the last series added is the first to be picked.
    """
    line = _add_series(scene, "Mean SUV", profile_table, "mean_suv", _PROFILE_COLOR)
    line.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleSolid)
    line.SetLineWidth(2)
    line.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleNone)

    markers = _add_series(scene, "Boundaries", boundary_table, MARKER_Y, _MARKER_COLOR)
    markers.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleNone)
    markers.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleDiamond)
    markers.SetMarkerSize(11)
    markers.SetLabelColumnName(MARKER_LABEL)

    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetTitle("Uptake along the vertebral column")
    chart.SetXAxisTitle("Height z (mm, feet to head)")
    chart.SetYAxisTitle("Mean SUVbw (g/ml)")
    chart.AddAndObservePlotSeriesNodeID(line.GetID())
    chart.AddAndObservePlotSeriesNodeID(markers.GetID())
    chart.SetEnablePointMoveAlongX(True)
    chart.SetEnablePointMoveAlongY(False)
    chart.SetLegendVisibility(True)
    return ProfilePlot(chart, line, markers)


def _add_series(scene: Any, name: str, table: Any, y_column: str, color: tuple[float, float, float]) -> Any:
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("z_mm")
    series.SetYColumnName(y_column)
    series.SetColor(*color)
    return series
