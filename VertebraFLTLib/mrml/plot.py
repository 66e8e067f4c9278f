"""The two charts: uptake along the column with boundaries that can be dragged, and mean SUV by level as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from VertebraFLTLib.mrml.tables import DOUBTFUL_Y, LEVEL, LEVEL_MEAN, MARKER_LABEL, MARKER_Y, SELECTED_Y

_PROFILE_COLOR = (0.13, 0.33, 0.55)
_MARKER_COLOR = (0.84, 0.37, 0.0)
DOUBTFUL_COLOR = (0.80, 0.10, 0.10)
SELECTED_COLOR = (0.0, 0.60, 0.50)
_MARKER_SIZE, _HALO_SIZE = 11, 19


@dataclass(frozen=True)
class ProfilePlot:
    """The profile's chart and its series, in the order in which they are drawn and, backwards, picked."""

    chart: Any
    profile: Any
    doubtful: Any
    selected: Any
    boundaries: Any

    @property
    def series(self) -> tuple[Any, ...]:
        """All series of the chart."""
        return self.profile, self.doubtful, self.selected, self.boundaries


@dataclass(frozen=True)
class LevelPlot:
    """The bar chart and its one series."""

    chart: Any
    bars: Any


def add_profile_plot(
    scene: Any, profile_table: Any, boundary_table: Any, name: str = "Uptake along the column"
) -> ProfilePlot:
    """A chart over the two tables. Points move along x only, so that a marker's drag changes ``z_mm`` and nothing else.

    All series are of type Scatter: the Line type counts rows instead of reading an X column. The markers come last,
    since the last series added is the first to be picked; doubt and selection are halos behind them, of the same table,
    so that they follow a drag.
    """
    line = _add_series(scene, "Mean SUV", profile_table, "mean_suv", _PROFILE_COLOR)
    line.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleSolid)
    line.SetLineWidth(2)
    line.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleNone)

    doubtful = _add_halo(scene, "Inspect", boundary_table, DOUBTFUL_Y, DOUBTFUL_COLOR)
    selected = _add_halo(scene, "Selected", boundary_table, SELECTED_Y, SELECTED_COLOR)

    markers = _add_series(scene, "Boundaries", boundary_table, MARKER_Y, _MARKER_COLOR)
    markers.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleNone)
    markers.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleDiamond)
    markers.SetMarkerSize(_MARKER_SIZE)
    markers.SetLabelColumnName(MARKER_LABEL)

    plot = ProfilePlot(_add_chart(scene, name, "Uptake along the vertebral column"), line, doubtful, selected, markers)
    plot.chart.SetXAxisTitle("Height z (mm, feet to head)")
    for series in plot.series:
        plot.chart.AddAndObservePlotSeriesNodeID(series.GetID())
    plot.chart.SetEnablePointMoveAlongX(True)
    plot.chart.SetEnablePointMoveAlongY(False)
    plot.chart.SetLegendVisibility(True)
    return plot


def add_level_plot(scene: Any, level_table: Any, name: str = "SUV by level") -> LevelPlot:
    """Mean SUV of each vertebra as a bar, from the lowest on the left to the highest on the right."""
    bars = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "Mean SUV by level")
    bars.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeBar)
    bars.SetAndObserveTableNodeID(level_table.GetID())
    bars.SetYColumnName(LEVEL_MEAN)
    bars.SetLabelColumnName(LEVEL)
    bars.SetColor(*_PROFILE_COLOR)
    chart = _add_chart(scene, name, "Mean uptake by level")
    chart.SetXAxisTitle("Vertebra")
    chart.AddAndObservePlotSeriesNodeID(bars.GetID())
    chart.SetEnablePointMoveAlongX(False)
    chart.SetEnablePointMoveAlongY(False)
    chart.SetLegendVisibility(False)
    return LevelPlot(chart, bars)


def _add_chart(scene: Any, name: str, title: str) -> Any:
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetTitle(title)
    chart.SetYAxisTitle("Mean SUVbw (g/ml)")
    return chart


def _add_halo(scene: Any, name: str, table: Any, y_column: str, color: tuple[float, float, float]) -> Any:
    series = _add_series(scene, name, table, y_column, color)
    series.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleNone)
    series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle)
    series.SetMarkerSize(_HALO_SIZE)
    return series


def _add_series(scene: Any, name: str, table: Any, y_column: str, color: tuple[float, float, float]) -> Any:
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("z_mm")
    series.SetYColumnName(y_column)
    series.SetColor(*color)
    return series
