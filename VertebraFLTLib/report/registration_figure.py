"""The figure of a registration: both days' spines straightened side by side, where a slip by a level would show."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from VertebraFLTLib.longitudinal.along import signature
from VertebraFLTLib.longitudinal.carry import centres_of
from VertebraFLTLib.longitudinal.follow import Comparison
from VertebraFLTLib.pipeline import LOW_CONFIDENCE
from VertebraFLTLib.report.reformat import sample
from VertebraFLTLib.report.style import INK, MUTED, SURE, UNSURE, calm, new_figure
from VertebraFLTLib.result import Result

_ACROSS_MM = 42.0
_WINDOW_HU = (-150.0, 650.0)
_BEYOND_MM = 12  # shown below and above the reference's column


def registration_figure(result: Result) -> Figure:
    """Left: CT of reference and follow-up along their own spines, at equal places; right: how alike they are.

    Raises ValueError for a result without comparison.
    """
    comparison = result.comparison
    if comparison is None:
        raise ValueError("this result was not compared with another day")
    line = comparison.registration.reference
    s = np.arange(max(line.first - _BEYOND_MM, 0), min(line.last + _BEYOND_MM, len(line.points_mm) - 1) + 1)
    figure = new_figure(11.0, 8.6)
    grid = figure.add_gridspec(
        1, 4, width_ratios=(1.25, 1.25, 1.6, 1.1), wspace=0.16, left=0.07, right=0.985, bottom=0.08, top=0.87
    )
    first, second, bands, trust = (figure.add_subplot(grid[i]) for i in range(4))
    _straightened(first, comparison, s, follow_up=False)
    _straightened(second, comparison, s, follow_up=True)
    _bands(bands, comparison, s)
    _trust(trust, comparison, s)
    names = _lines((first, second, bands, trust), comparison, result)
    for axes, title in zip(
        (first, second, bands, trust), ("Reference", "This scan", "HU along the spine", "Agreement"), strict=True
    ):
        axes.set_ylim(s[0], s[-1])
        axes.set_title(title, fontsize=9, color=INK, pad=4)
        if axes is not first:
            axes.tick_params(axis="y", labelleft=False, length=0)
    first.set_yticks([at for at, _ in names], [name for _, name in names])
    first.tick_params(axis="y", length=0, labelsize=7.5, labelcolor=INK)
    slide = comparison.registration.slide
    figure.text(0.02, 0.965, "One spine on two days", fontsize=11, weight="bold", color=INK)
    figure.text(
        0.02,
        0.94,
        f"straightened along its centre line; bones overlap {comparison.registration.rigid.dice:.2f} (Dice, rigid), "
        f"columns {comparison.registration.dice:.2f} after bending; correlation {slide.overall:.2f} here, at best "
        f"{slide.rival:.2f} a vertebra or more away",
        fontsize=8,
        color=MUTED,
    )
    return figure


def _straightened(axes: Axes, comparison: Comparison, s: np.ndarray, follow_up: bool) -> None:
    """The sagittal plane along the spine, a row for each millimetre of the reference's line, front on the left."""
    registration = comparison.registration
    line, scan = registration.reference, comparison.reference.scan
    along = s.astype(np.float64)
    if follow_up:
        line, scan, along = registration.follow_up, comparison.follow_up, registration.along(along)
    across = np.arange(-_ACROSS_MM, _ACROSS_MM + 0.1, 0.75)
    points = line.at(along)[:, None] + across[None, :, None] * line.frame_at(along)[:, None, 1]
    axes.imshow(
        sample(scan.ct, points, -1000.0),
        cmap="gray",
        vmin=_WINDOW_HU[0],
        vmax=_WINDOW_HU[1],
        origin="lower",
        extent=(-_ACROSS_MM, _ACROSS_MM, s[0] - 0.5, s[-1] + 0.5),
        aspect="auto",
        interpolation="bilinear",
    )
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _bands(axes: Axes, comparison: Comparison, s: np.ndarray) -> None:
    registration = comparison.registration
    ours = signature(registration.reference, comparison.reference.scan.ct)
    theirs = signature(registration.follow_up, comparison.follow_up.ct)
    axes.plot(ours[s], s, color=MUTED, linewidth=1.1, label="reference")
    there = np.interp(registration.along(s), np.arange(len(theirs)), theirs, np.nan, np.nan)
    axes.plot(there, s, color=SURE, linewidth=1.1, label="this scan")
    axes.set_xlabel("HU above or below the trend")
    axes.legend(loc="lower right", fontsize=7.5, frameon=False, labelcolor=INK, bbox_to_anchor=(1.0, 1.03), ncols=2)
    calm(axes)


def _trust(axes: Axes, comparison: Comparison, s: np.ndarray) -> None:
    registration = comparison.registration
    axes.plot(registration.slide.likeness[s], s, color=SURE, linewidth=1.1, label="correlation")
    axes.plot(registration.overlap[s], s, color=MUTED, linewidth=1.1, label="Dice")
    axes.set_xlim(0.0, 1.05)
    axes.set_xlabel("local, 0 to 1")
    axes.legend(loc="lower right", fontsize=7.5, frameon=False, labelcolor=INK, bbox_to_anchor=(1.0, 1.03), ncols=2)
    calm(axes)


def _lines(panels: tuple[Axes, ...], comparison: Comparison, result: Result) -> list[tuple[float, str]]:
    """A line at each of the reference's boundaries; returns where names go, between the lines."""
    registration, reference = comparison.registration, comparison.reference.boundaries
    line = registration.reference
    kept = {(b.below, b.above): b.confidence for b in result.boundaries.boundaries}
    for boundary, at in zip(reference.boundaries, line.nearest(centres_of(reference, registration)), strict=True):
        confidence = kept.get((boundary.below, boundary.above))
        sure = confidence is not None and confidence >= LOW_CONFIDENCE
        color, dashes = (SURE, "-") if sure else (UNSURE, (0, (3, 2)))
        for axes in panels:
            if confidence is None and axes is not panels[0]:
                continue
            axes.axhline(at, color=color, linestyle=dashes, linewidth=0.8, alpha=0.9)
    return [(float(np.mean(line.s_at_height([v.z_low_mm, v.z_high_mm]))), v.level) for v in reference.vertebrae()]
