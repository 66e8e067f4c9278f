"""The two pictures of docs/oblique.md: vertebrae cut both ways on a sagittal slice, and Dice level by level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap

from VertebraFLTLib.anatomy import LEVEL_BY_NAME, LEVELS
from VertebraFLTLib.report.style import SURE, UNSURE, calm, new_figure, save

if TYPE_CHECKING:
    from bench_oblique import Anatomy

# Neighbours never share a colour; 0 is background.
_CYCLE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_MAP = ListedColormap(["white", *(_CYCLE[code % len(_CYCLE)] for code in range(1, 29))])


def slices_figure(anatomies: Sequence[Anatomy], path: Path) -> None:
    """A sagittal slice through the middle: true bodies, axial cuts, oblique cuts; one row an anatomy."""
    figure = new_figure(9.0, 6.4 * len(anatomies))
    axes = figure.subplots(len(anatomies), 3, squeeze=False)
    for line, one in zip(axes, anatomies, strict=True):
        middle = int(np.median(np.nonzero(one.truth)[2]))
        # Where discs lean most: the neck and the upper half of the chest.
        k, j = np.nonzero((one.truth[:, :, middle] > 0) & (one.truth[:, :, middle] <= LEVEL_BY_NAME["T8"].code))
        nk, nj = one.truth.shape[:2]
        crop = (
            slice(max(k.min() - 3, 0), min(k.max() + 4, nk)),
            slice(max(j.min() - 6, 0), min(j.max() + 7, nj)),
        )
        low = one.grid.to_mm(np.array([[middle, crop[1].start, crop[0].start]]))[0]
        high = one.grid.to_mm(np.array([[middle, crop[1].stop - 1, crop[0].stop - 1]]))[0]
        extent = (low[1], high[1], low[2], high[2])
        shown = [("true bodies", None, one.truth)]
        shown += [(f"{cuts} cuts", *one.labels(cuts)) for cuts in ("axial", "oblique")]
        for axis, (title, placed, labels) in zip(line, shown, strict=True):
            image = labels[:, :, middle][crop]
            axis.imshow(image, cmap=_MAP, vmin=0, vmax=28, origin="lower", extent=extent, interpolation="nearest")
            axis.contour(
                np.where(one.truth[:, :, middle][crop] > 0, 1.0, 0.0),
                levels=[0.5],
                colors="black",
                linewidths=0.5,
                extent=extent,
                origin="lower",
            )
            for b in placed.boundaries if placed else ():
                slope = -b.normal[1] / b.normal[2]
                y = b.centre_mm[1] + np.array([-24.0, 24.0])
                axis.plot(y, b.z_mm + slope * (y - b.centre_mm[1]), color="black", linewidth=0.9)
            axis.set_xlim(extent[:2])
            axis.set_ylim(extent[2:])
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(f"{one.name}: {title}", fontsize=8)
    figure.tight_layout()
    save(figure, path)


def dice_figure(phantoms: Sequence[Anatomy], real: Sequence[Anatomy], path: Path) -> None:
    """Dice by level from the neck down, every vertebra a dot, both ways of cutting."""
    groups = [("phantom, 25 degrees of kyphosis", phantoms), ("label maps of real CT", real)]
    groups = [(name, several) for name, several in groups if several]
    figure = new_figure(9.0, 2.7 * len(groups))
    for axes, (name, several) in zip(np.atleast_1d(figure.subplots(len(groups), 1)), groups, strict=True):
        order = [level.name for level in LEVELS]
        used = [n for n in order if any(n in one.scores["axial"][0] for one in several)]
        for cuts, color, shift in (("axial", UNSURE, -0.15), ("oblique", SURE, 0.15)):
            dots = [(used.index(n) + shift, d) for one in several for n, d in one.scores[cuts][0].items()]
            axes.plot(
                *zip(*dots, strict=True), "o", color=color, markersize=3.5, markeredgewidth=0, label=f"{cuts} cuts"
            )
        axes.set_xticks(range(len(used)), used)
        axes.set_ylabel("Dice")
        axes.set_title(name, fontsize=9, loc="left")
        axes.legend(fontsize=8, frameon=False, loc="lower right")
        calm(axes, grid_axis="y")
    figure.tight_layout()
    save(figure, path)
