"""The figure of the timeline: mean SUV of each vertebra on each day, drawn as the spine stands, and over the days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.longitudinal.timeline import DayRow
from VertebraFLTLib.pipeline import LOW_CONFIDENCE
from VertebraFLTLib.report.style import INK, MUTED, REGION_COLORS, calm, new_figure
from VertebraFLTLib.report.wording import region_name

# From early to late: light to dark of one hue, so that order is seen without a legend and with any colour vision.
_EARLY, _LATE = np.array([0.62, 0.79, 0.88]), np.array([0.03, 0.19, 0.42])
_BONES = (("pelvis", "#D55E00", "s"), ("sternum", "#CC79A7", "^"))


def timeline_figure(rows: Sequence[DayRow]) -> Figure:
    """Left: levels from the lowest (bottom) up, a line a day; right: means of spine's parts and bones over the days."""
    days = sorted({row.day for row in rows})
    levels = [name for name in reversed(LEVEL_BY_NAME) if any(row.roi == name for row in rows)]
    figure = new_figure(10.5, 2.0 + 0.23 * max(len(levels), 12))
    height = figure.get_figheight()
    by_level, by_day = figure.subplots(
        1, 2,
        gridspec_kw={
            "width_ratios": (3, 2), "wspace": 0.16, "left": 0.06, "right": 0.98,
            "bottom": 0.85 / height, "top": 1 - 0.75 / height,
        },
    )  # fmt: skip
    _by_level(by_level, rows, days, levels)
    _by_day(by_day, rows, days)
    figure.text(0.02, 1 - 0.30 / height, "Uptake over the days", fontsize=11, weight="bold", color=INK)
    figure.text(
        0.02, 0.14 / height,
        f"Hollow: a boundary of confidence below {LOW_CONFIDENCE:g}, or a vertebra not wholly seen. "
        "Bars: standard deviation within the vertebra.",
        fontsize=8, color=MUTED, va="bottom",
    )  # fmt: skip
    return figure


def _by_level(axes: Axes, rows: Sequence[DayRow], days: Sequence[float], levels: Sequence[str]) -> None:
    place = {name: n for n, name in enumerate(levels)}
    for n, day in enumerate(days):
        found = [row for row in rows if row.day == day and row.roi in place]
        at = np.array([place[row.roi] for row in found], dtype=float) + 0.16 * (n - (len(days) - 1) / 2)
        mean = np.array([row.suv_mean for row in found])
        color = _color(n, len(days))
        axes.plot(mean, at, "-", color=color, linewidth=1.0, alpha=0.7)
        axes.errorbar(
            mean, at, xerr=[row.suv_sd for row in found], fmt="none", ecolor=color, elinewidth=0.7, alpha=0.55
        )
        sure = np.array([_sure(row) for row in found], dtype=bool)
        axes.plot(mean[sure], at[sure], "o", color=color, markersize=4.5, label=f"day {day:g}")
        axes.plot(mean[~sure], at[~sure], "o", markerfacecolor="white", markeredgecolor=color, markersize=4.5)
    axes.set_yticks(range(len(levels)), levels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.7, len(levels) - 0.3)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("Mean SUV of the vertebra (g/ml)")
    calm(axes, grid_axis="x")
    axes.spines["left"].set_visible(False)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(days), fontsize=8, frameon=False, labelcolor=INK,
        borderaxespad=0.2, handletextpad=0.3,
    )  # fmt: skip


def _by_day(axes: Axes, rows: Sequence[DayRow], days: Sequence[float]) -> None:
    for part, color in REGION_COLORS.items():
        shared = [
            name for name, level in LEVEL_BY_NAME.items()
            if level.region == part and all(any(r.roi == name and r.day == d for r in rows) for d in days)
        ]  # fmt: skip
        if not shared:
            continue
        means = [_volume_mean([row for row in rows if row.day == day and row.roi in shared]) for day in days]
        span = f"{shared[-1]} to {shared[0]}" if len(shared) > 1 else shared[0]
        axes.plot(days, means, "-o", color=color, linewidth=1.3, markersize=4.5, label=f"{part.capitalize()} ({span})")
    for roi, color, marker in _BONES:
        found = sorted((row.day, row.suv_mean) for row in rows if row.roi == roi)
        if len(found) > 1:
            label = region_name(roi).split(" (")[0]
            axes.plot(*zip(*found, strict=True), linestyle="--", marker=marker, color=color, linewidth=1.1,
                      markersize=4.5, label=label)  # fmt: skip
    axes.set_xticks(days, [f"{day:g}" for day in days])
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("Day after the transplant")
    axes.set_ylabel("Mean SUV (g/ml)")
    calm(axes, grid_axis="y")
    axes.legend(loc="upper left", fontsize=8, frameon=False, labelcolor=INK)


def _volume_mean(rows: Sequence[DayRow]) -> float:
    return sum(row.suv_total_ml for row in rows) / sum(row.volume_ml for row in rows)


def _sure(row: DayRow) -> bool:
    return bool(row.complete) and (row.confidence is None or row.confidence >= LOW_CONFIDENCE)


def _color(n: int, count: int) -> tuple[float, float, float]:
    share = n / max(count - 1, 1)
    r, g, b = _EARLY + share * (_LATE - _EARLY)
    return float(r), float(g), float(b)
