"""The profile figure: mean uptake along the column, every boundary with its confidence, and the level names."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from VertebraFLTLib.pipeline import LOW_CONFIDENCE
from VertebraFLTLib.report.style import (
    GRID,
    INK,
    MUTED,
    REGION_COLORS,
    SURE,
    UNSURE,
    calm,
    level_color,
    new_figure,
    say_names_in_doubt,
)
from VertebraFLTLib.result import Result
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet


def profile_figure(result: Result) -> Figure:
    """Uptake against height above, confidence of each boundary below; from the feet (left) to the head (right)."""
    profile, boundaries = result.profile, result.boundaries
    figure = new_figure(11.0, 4.75)
    grid = figure.add_gridspec(2, 1, height_ratios=(4, 1), hspace=0.08, left=0.06, right=0.985, bottom=0.14, top=0.86)
    upper = figure.add_subplot(grid[0])
    lower = figure.add_subplot(grid[1], sharex=upper)

    inside = profile.voxels > 0
    shown = np.where(inside, profile.mean_suv, np.nan)
    upper.fill_between(profile.z_mm, 0.0, shown, color=GRID, linewidth=0)
    upper.plot(profile.z_mm, shown, color=INK, linewidth=1.1)
    height = float(np.nanmax(shown)) * 1.06 if inside.any() else 1.0
    upper.set_ylim(0.0, height)
    if inside.any():
        low, high = float(profile.z_mm[inside].min()), float(profile.z_mm[inside].max())
        room = 0.01 * (high - low) + profile.spacing_mm
        upper.set_xlim(low - room, high + room)
    _name_levels(upper, boundaries)
    if inside.any():
        z_mm, suv = profile.column()
        for boundary in boundaries.boundaries:
            _draw_boundary(upper, lower, boundary, float(np.interp(boundary.z_mm, z_mm, suv)))

    if result.discs is not None:
        lower.fill_between(result.discs.z_mm, 0.0, result.discs.share, color=GRID, linewidth=0, zorder=0)
    upper.set_ylabel("Mean SUV in the column")
    upper.tick_params(labelbottom=False)
    lower.set_ylim(0.0, 1.05)
    lower.set_yticks([0.0, LOW_CONFIDENCE, 1.0])
    lower.axhline(LOW_CONFIDENCE, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
    lower.set_ylabel("Confidence")
    lower.set_xlabel("Superior coordinate z (mm), feet to head")
    for axes in (upper, lower):
        calm(axes)
    figure.text(0.06, 0.955, "Uptake profile of the vertebral column", fontsize=11, weight="bold", color=INK)
    figure.legend(
        handles=_legend(boundaries, result.discs is not None),
        loc="upper right",
        bbox_to_anchor=(0.99, 1.0),
        ncols=6,
        fontsize=8,
        frameon=False,
        labelcolor=INK,
    )
    say_names_in_doubt(figure, result.boundaries)
    return figure


def _name_levels(axes: Axes, boundaries: BoundarySet) -> None:
    for vertebra in boundaries.vertebrae():
        color = level_color(vertebra.level)
        # A thin band above the curve carries the part of the spine; transform: x in mm, y in parts of the panel.
        axes.axvspan(
            vertebra.z_low_mm, vertebra.z_high_mm, ymin=1.0, ymax=1.025, color=color, linewidth=0, clip_on=False
        )
        axes.text(
            (vertebra.z_low_mm + vertebra.z_high_mm) / 2,
            1.04,
            vertebra.level + ("" if vertebra.complete else "*"),
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=INK,
        )


def _draw_boundary(upper: Axes, lower: Axes, boundary: Boundary, uptake: float) -> None:
    sure = boundary.confidence >= LOW_CONFIDENCE
    color, dashes = (SURE, "-") if sure else (UNSURE, (0, (3, 2)))
    upper.axvline(boundary.z_mm, color=color, linewidth=0.9, linestyle=dashes)
    upper.plot(boundary.z_mm, uptake, marker="v" if sure else "o", color=color, markersize=4.5, markeredgewidth=0)
    lower.vlines(boundary.z_mm, 0.0, boundary.confidence, color=color, linewidth=1.6)
    lower.plot(
        boundary.z_mm, boundary.confidence, marker="v" if sure else "o", color=color, markersize=4.5, markeredgewidth=0
    )


def _legend(boundaries: BoundarySet, discs: bool) -> list[Line2D]:
    found = {boundary.confidence >= LOW_CONFIDENCE for boundary in boundaries.boundaries}
    entries = []
    if True in found:
        entries.append(Line2D([], [], color=SURE, marker="v", markersize=4.5, linewidth=0.9, label="Boundary"))
    if False in found:
        label = f"Confidence below {LOW_CONFIDENCE:g}"
        entries.append(
            Line2D([], [], color=UNSURE, marker="o", markersize=4.5, linewidth=0.9, linestyle=(0, (3, 2)), label=label)
        )
    present = {level_color(vertebra.level) for vertebra in boundaries.vertebrae()}
    entries += [
        Line2D([], [], color=color, linewidth=4, label=part.capitalize())
        for part, color in reversed(REGION_COLORS.items())
        if color in present
    ]
    if discs:
        entries.append(Line2D([], [], color=GRID, linewidth=6, label="Disc on CT"))
    return entries
