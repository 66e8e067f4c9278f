"""The plot view's side of the review: a press on a marker selects, its release ends a drag."""

from __future__ import annotations

from typing import Any

import slicer

from VertebraFLTLib.mrml.review import ReviewPresenter
from VertebraFLTLib.mrml.views import PLOT_VIEW
from VertebraFLTLib.mrml.widget_told import told

_SIGNAL = "dataSelected(vtkStringArray*, vtkCollection*)"


class PlotLink:
    """Connects the presenter with the view that shows its profile; Slicer makes that view with the layout."""

    def __init__(self) -> None:
        self.review: ReviewPresenter | None = None
        self._view: Any = None

    def bind(self, review: ReviewPresenter | None) -> None:
        """Serve another presenter, or none."""
        self.review = review
        self.follow()

    def follow(self) -> None:
        """Find the view, which a change of layout replaces, and let only the boundaries' markers be dragged."""
        view = None if self.review is None else _plot_view()
        if view is not self._view:
            if self._view is not None:
                self._view.disconnect(_SIGNAL, self._picked)
            if view is not None:
                view.connect(_SIGNAL, self._picked)
            self._view = view
        if view is None or self.review is None:
            return
        chart, draggable = view.chart(), self.review.nodes.plot.boundaries.GetName()
        for index in range(chart.GetNumberOfPlots()):
            plot = chart.GetPlot(index)
            plot.SetSelectable(plot.GetLabel() == draggable)

    def _picked(self, series_ids: Any, points: Any) -> None:
        review = self.review
        if review is None:
            return
        if series_ids.GetNumberOfValues() == 0:
            with told():
                review.end_drag()
            return
        for at in range(series_ids.GetNumberOfValues()):
            rows = points.GetItemAsObject(at)
            if series_ids.GetValue(at) == review.nodes.plot.boundaries.GetID() and rows.GetNumberOfValues():
                review.select(int(rows.GetValue(0)))


def _plot_view() -> Any:
    layouts = slicer.app.layoutManager()
    for index in range(layouts.plotViewCount if layouts is not None else 0):
        widget = layouts.plotWidget(index)
        node = widget.mrmlPlotViewNode()
        if node is not None and node.GetLayoutName() == PLOT_VIEW:
            return widget.plotView()
    return None
