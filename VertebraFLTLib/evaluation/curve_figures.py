"""Figures of threshold curves, one panel a structure: ROC (thesis figure 9) and Dice by threshold (figure 11)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from VertebraFLTLib.anatomy import STRUCTURES, Structure
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.curves import ThresholdCurve
from VertebraFLTLib.report.style import INK, MUTED, calm, new_figure

# Okabe and Ito's colours, told apart with any colour vision; ensembles are dashed but for the one that is the default.
_LOOKS: dict[str, dict[str, Any]] = {
    "axial": {"color": "#0072B2"},
    "sagittal": {"color": "#E69F00"},
    "coronal": {"color": "#009E73"},
    "average": {"color": INK, "linewidth": 1.6},
    "vote": {"color": "#CC79A7", "linestyle": (0, (4, 2))},
    "additive": {"color": "#D55E00", "linestyle": (0, (1.5, 1.5))},
}
_OTHERS = ("#56B4E9", "#F0E442", "#999999")
_THESIS_FPR = 0.005  # where figure 9 ends: beyond it false positives outnumber a structure of that share

CurvesByName = Mapping[str, Mapping[int, ThresholdCurve]]


def roc_figure(curves: CurvesByName, fpr_limit: float = _THESIS_FPR) -> Figure:
    """TPR over FPR with the upper left corner enlarged, FPR from 0 to ``fpr_limit``; a dot is the best Dice.

    curves: view or ensemble -> label of the structure -> curve, as view_curves gives them. Raises InputError where no
    curve holds a structure.
    """
    figure = _figure(curves, "Sensitivity and false positives at every threshold")
    for axes, structure in _panels(figure, curves):
        lines = _of(curves, structure)
        # Below every line, each of which is nearly straight beyond its upper left corner.
        top = min(float(curve.tpr[1]) for curve in lines.values()) - 0.09
        corner = axes.inset_axes((0.22, 0.13, 0.75, max(top - 0.13, 0.4)))
        for place in (axes, corner):
            for name, curve in lines.items():
                label = f"{name}  AUC {curve.auc:.5f}"
                place.plot([0.0, *curve.fpr[::-1]], [0.0, *curve.tpr[::-1]], label=label, **_look(name, curves))
        for name, curve in lines.items():
            at = round(255 * curve.best_threshold())
            corner.plot(curve.fpr[at], curve.tpr[at], "o", color=_look(name, curves)["color"], markersize=4.5)
        # From 0.9 of certainty on nearly nothing is false: what lies lower is a straight line.
        lowest = min(float(curve.tpr[round(255 * 0.9)]) for curve in lines.values())
        corner.set_xlim(0.0, fpr_limit)
        corner.set_ylim(max(0.0, min(lowest, 0.9)), 1.0)
        axes.set_xlim(-0.005, 1.0)
        axes.set_ylim(0.0, 1.005)
        axes.set_xlabel("False-positive rate")
        axes.set_ylabel("True-positive rate")
        calm(axes)
        calm(corner, grid_axis="both")
        corner.tick_params(labelsize=7)
        corner.set_title("upper left corner, enlarged; dots: best Dice", fontsize=7.5, color=MUTED, loc="right", pad=3)
        corner.legend(
            loc="lower right", fontsize=7.5, frameon=False, labelcolor=INK, handlelength=2.2,
        )  # fmt: skip
    return figure


def dice_figure(curves: CurvesByName) -> Figure:
    """Dice over threshold, the best one marked and written in the legend. Arguments and errors as roc_figure."""
    figure = _figure(curves, "Dice at every threshold")
    for axes, structure in _panels(figure, curves):
        for name, curve in _of(curves, structure).items():
            best = curve.best_threshold()
            label = f"{name}  {curve.dice_at(best):.3f} at {best:.2f}"
            axes.plot(curve.thresholds, curve.dice, label=label, **_look(name, curves))
            axes.plot(best, curve.dice_at(best), "o", color=_look(name, curves)["color"], markersize=5, clip_on=False)
        axes.axvline(0.5, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(_floor(_of(curves, structure)), 1.0)
        axes.set_xlabel("Threshold (dashed: 0.5)")
        axes.set_ylabel("Dice")
        calm(axes, grid_axis="y")
        axes.legend(
            loc="lower center", fontsize=8, framealpha=1.0, edgecolor="none", labelcolor=INK,
            handlelength=2.2, title="best Dice, and its threshold", title_fontsize=8,
        )  # fmt: skip
    return figure


def _floor(lines: dict[str, ThresholdCurve]) -> float:
    """Where a Dice axis begins: a round value well below what middle thresholds reach, with room for the legend."""
    middle = slice(round(0.1 * 255), round(0.9 * 255) + 1)
    lowest = min(float(curve.dice[middle].min()) for curve in lines.values())
    return max(0.0, math.floor(10 * (lowest - 0.3)) / 10)


def _figure(curves: CurvesByName, title: str) -> Figure:
    count = len(_shown(curves))
    if not count:
        raise InputError("no curve holds a structure: there is nothing to draw")
    columns = min(count, 2)
    rows = -(-count // columns)
    height = 0.5 + 4.1 * rows
    figure = new_figure(5.4 * columns, height)
    figure.text(0.02, 1 - 0.3 / height, title, fontsize=11, weight="bold", color=INK)
    figure.subplots(
        rows, columns, squeeze=False,
        gridspec_kw={
            "left": 0.66 / (5.4 * columns), "right": 1 - 0.2 / (5.4 * columns), "bottom": 0.55 / height,
            "top": 1 - 0.8 / height, "wspace": 0.2, "hspace": 0.34,
        },
    )  # fmt: skip
    return figure


def _panels(figure: Figure, curves: CurvesByName) -> Iterator[tuple[Axes, Structure]]:
    """Each panel with its structure and its title; a panel too many is taken away."""
    shown = _shown(curves)
    for axes in figure.axes[len(shown) :]:
        axes.remove()
    for axes, structure in zip(list(figure.axes), shown, strict=True):
        axes.set_title(structure.name, fontsize=9.5, color=INK, loc="left", pad=6)
        yield axes, structure


def _shown(curves: CurvesByName) -> list[Structure]:
    return [structure for structure in STRUCTURES if _of(curves, structure)]


def _of(curves: CurvesByName, structure: Structure) -> dict[str, ThresholdCurve]:
    """The curves of one structure, where any volume held it."""
    found = {name: by_label.get(structure.label) for name, by_label in curves.items()}
    return {name: curve for name, curve in found.items() if curve is not None and curve.inside.sum()}


def _look(name: str, curves: CurvesByName) -> dict[str, Any]:
    unknown = [other for other in curves if other not in _LOOKS]
    own = _LOOKS.get(name) or {"color": _OTHERS[unknown.index(name) % len(_OTHERS)]}
    return {"linewidth": 1.2, **own}
