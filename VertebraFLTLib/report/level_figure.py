"""The figure of SUV by level: mean, spread, peak and total uptake of each vertebra, drawn as the spine stands."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.report.style import INK, MUTED, REGION_COLORS, calm, level_color, new_figure, say_names_in_doubt
from VertebraFLTLib.report.wording import region_name
from VertebraFLTLib.result import Result


def level_figure(result: Result) -> Figure:
    """Bars by level from the lowest (bottom) to the highest, and below them the whole bones."""
    levels = [row for row in result.suv_table if row.roi in LEVEL_BY_NAME]
    bones = [row for row in result.suv_table if row.roi in ("sternum", "pelvis", "vertebral_column")]
    rows = [*reversed(bones), *levels]  # rows are drawn upwards
    gap = 0.8 if bones and levels else 0.0
    at = [n if n < len(bones) else n + gap for n in range(len(rows))]
    names = [region_name(row.roi).split(" (")[0] for row in rows]
    colors = [level_color(row.roi) if row.roi in LEVEL_BY_NAME else MUTED for row in rows]

    figure = new_figure(9.5, 1.6 + 0.24 * max(len(rows) + gap, 8))
    top_in, bottom_in = 0.62, 0.55
    height = figure.get_figheight()
    mean, total = figure.subplots(
        1, 2, sharey=True,
        gridspec_kw={
            "width_ratios": (3, 2), "wspace": 0.07, "left": 0.135, "right": 0.975,
            "bottom": bottom_in / height, "top": 1 - top_in / height,
        },
    )  # fmt: skip
    mean.barh(at, [row.suv_mean for row in rows], height=0.68, color=colors, linewidth=0)
    mean.errorbar(
        [row.suv_mean for row in rows],
        at,
        xerr=[row.suv_sd for row in rows],
        fmt="none",
        ecolor=INK,
        elinewidth=0.8,
        capsize=1.8,
        capthick=0.8,
    )
    mean.plot([row.suv_peak for row in rows], at, "D", color="white", markeredgecolor=INK, markersize=4.0, zorder=4)
    mean.set_xlabel("SUV (g/ml): bar mean, line ± SD, diamond peak of 1 ml")
    mean.set_xlim(left=0.0)
    mean.set_yticks(at, names)

    # Column and pelvis hold ten to twenty times a vertebra: their totals are written, not drawn.
    total.barh(at[len(bones) :], [row.suv_total_ml for row in levels], height=0.68, color=colors[len(bones) :])
    largest = max((row.suv_total_ml for row in levels), default=1.0)
    for position, row in zip(at, bones[::-1], strict=False):
        total.text(0.01 * largest, position, f"{row.suv_total_ml:,.0f}", va="center", fontsize=8, color=INK)
    total.set_xlim(0.0, 1.06 * largest)
    total.set_xlabel("Total uptake (SUV × ml)")
    for axes in (mean, total):
        calm(axes, grid_axis="x")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.7, (at[-1] if at else 0) + 0.7)
    figure.text(0.02, 1 - 0.30 / height, "Uptake by level", fontsize=11, weight="bold", color=INK)
    present = {level_color(row.roi) for row in levels}
    entries: list[Patch | Line2D] = [
        Patch(color=color, label=part.capitalize()) for part, color in REGION_COLORS.items() if color in present
    ]
    figure.legend(
        handles=entries, loc="upper right", bbox_to_anchor=(0.985, 1.0), ncols=3, fontsize=8, frameon=False,
        labelcolor=INK, handlelength=1.2,
    )  # fmt: skip
    say_names_in_doubt(figure, result.boundaries)
    return figure
