"""The layout of a 3-D figure: the same surfaces from the front and from the left, side by side, room for a legend."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from VertebraFLTLib.report.offscreen import Painted, render
from VertebraFLTLib.report.style import INK, MUTED, new_figure

_PICTURE_IN, _TOP_IN, _GAP_IN, _LEGEND_IN = 6.6, 0.6, 0.25, 2.5


def two_views(parts: Sequence[Painted], title: str) -> tuple[Figure, float]:
    """The figure, and where its legend starts from the left (part of the width).

    Raises CannotRender where nothing can be drawn off-screen.
    """
    pictures = [render(parts, view) for view in ("front", "left")]
    widths = [picture.shape[1] * _PICTURE_IN / picture.shape[0] for picture in pictures]
    total, height = sum(widths) + _LEGEND_IN + 2 * _GAP_IN, _PICTURE_IN + _TOP_IN + 0.1
    figure = new_figure(total, height)
    left = _GAP_IN / 2
    named = zip(pictures, widths, ("From the front", "From the left"), (("R", "L"), ("A", "P")), strict=True)
    for picture, width, name, (start, end) in named:
        axes = figure.add_axes((left / total, 0.1 / height, width / total, _PICTURE_IN / height))
        axes.imshow(picture)
        axes.set_axis_off()
        axes.set_title(name, fontsize=9, color=INK, loc="left", pad=3)
        axes.text(0.0, 0.99, start, transform=axes.transAxes, fontsize=9, color=MUTED, va="top")
        axes.text(1.0, 0.99, end, transform=axes.transAxes, fontsize=9, color=MUTED, va="top", ha="right")
        left += width + _GAP_IN
    figure.text(_GAP_IN / 2 / total, 1 - 0.26 / height, title, fontsize=11, weight="bold", color=INK)
    return figure, left / total
