"""Axial against oblique cuts: Dice of each vertebra against truth, on curved phantoms and on real label maps.

Prints Markdown tables as they stand in docs/oblique.md; with --figures DIR draws its pictures. Real label maps are read
from $VERTEBRAFLT_SHARED/data/ct and left out where that is absent.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from oblique_figures import dice_figure, slices_figure

from VertebraFLTLib.anatomy import LEVEL_BY_NAME, LEVELS
from VertebraFLTLib.column import column_of
from VertebraFLTLib.io.geometry import to_lps
from VertebraFLTLib.phantom import PhantomOptions, PhantomSize, make_phantom
from VertebraFLTLib.pipeline import find_boundaries
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.result import Options
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.boundary import unit_normal
from VertebraFLTLib.spine.centre_line import CentreLine, centre_line
from VertebraFLTLib.spine.instances import label_vertebrae
from VertebraFLTLib.spine.planes import place

PET_SLICE_MM = 4.0
WAYS = ("axial", "oblique", "true")
CURVES = {"kyphosis 25": (25.0, 0.0), "kyphosis 36": (36.0, 0.0), "kyphosis 55, scoliosis 20": (55.0, 20.0)}
# The spine and a hand's breadth around it, with the slices of a whole-body examination.
SIZE = PhantomSize((96, 96, 188), (2.0, 2.0, 5.0), (48, 56, 238), (4.0, 4.0, 4.0), pet_subdivision=(1, 1, 2))


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A column with its true vertebrae: masks kji on the CT grid, true normals by (below, above)."""

    name: str
    bodies: np.ndarray
    truth: np.ndarray  # VerSe numbers
    grid: Grid
    line: CentreLine
    boundaries: BoundarySet  # heights without planes
    normals: dict[tuple[str, str], np.ndarray]

    def labels(self, cuts: str) -> tuple[BoundarySet, np.ndarray]:
        """The planes of a way of cutting and the vertebrae they give; "true": same heights, turned as truth is."""
        placed = place(self.boundaries, self.line, "axial" if cuts == "axial" else "oblique", anew=True)
        if cuts == "true":
            turned = []
            for b in placed.boundaries:
                x, y, z = self.normals.get((b.below, b.above), b.normal)
                turned.append(replace(b, normal=unit_normal((float(x), float(y), float(z)))))
            placed = replace(placed, boundaries=tuple(turned))
        return placed, label_vertebrae(self.bodies, self.grid.ijk_to_lps, placed, PET_SLICE_MM)

    @cached_property
    def scores(self) -> dict[str, tuple[dict[str, float], list[float]]]:
        """By way of cutting: Dice by level of whole vertebrae, and each plane's angle (degrees) to the true one."""
        return {cuts: self._scores(cuts) for cuts in WAYS}

    def _scores(self, cuts: str) -> tuple[dict[str, float], list[float]]:
        placed, labels = self.labels(cuts)
        either = np.flatnonzero((labels > 0) | (self.truth > 0))
        cut, true = labels.reshape(-1)[either], self.truth.reshape(-1)[either]
        dice = {}
        for vertebra in placed.vertebrae():
            a, b = (one == LEVEL_BY_NAME[vertebra.level].code for one in (cut, true))
            if vertebra.complete and b.any():
                dice[vertebra.level] = float(2 * (a & b).sum() / (a.sum() + b.sum()))
        known = [b for b in placed.boundaries if (b.below, b.above) in self.normals]
        pairs = [(b.normal, self.normals[b.below, b.above]) for b in known]
        angles = [float(np.degrees(np.arccos(np.clip(np.dot(a, b), -1, 1)))) for a, b in pairs]
        return dice, angles


def phantoms(curve: str, seeds: int, true_heights: bool) -> Iterator[Anatomy]:
    """Simulated patients of one curve, between detected boundaries or the true ones."""
    kyphosis, scoliosis = CURVES[curve]
    for seed in range(seeds):
        case = make_phantom(seed, 28, SIZE, PhantomOptions(kyphosis_deg=kyphosis, scoliosis_deg=scoliosis))
        column, grid = column_of(case.semantic), Grid.of(case.semantic)
        _, found = find_boundaries(case.pet_suv, case.semantic, column, Options(cuts="axial"), "FLT")
        truth = {(b.below, b.above): b for b in case.boundaries}
        if true_heights:
            kept = [b for b in found.boundaries if (b.below, b.above) in truth]
            at = [replace(b, z_mm=truth[b.below, b.above].z_mm, centre_mm=None) for b in kept]
            found = replace(found, boundaries=tuple(at))
        yield Anatomy(
            f"{curve}, seed {seed}",
            column & (sitk.GetArrayViewFromImage(case.semantic) == 1),
            sitk.GetArrayFromImage(case.vertebrae),
            grid,
            centre_line(column, grid.ijk_to_lps),
            found,
            {pair: np.array(b.normal) for pair, b in truth.items()},
        )


def real(folder: Path) -> Iterator[Anatomy]:
    """Vertebral bodies of real CT, labelled by level; heights from the middle surface between neighbours."""
    for path in sorted(folder.glob("*_levels.nii.gz")):
        levels = to_lps(sitk.ReadImage(str(path)))
        semantic = to_lps(sitk.ReadImage(str(path).replace("_levels", "_semantic")))
        column, grid, truth = column_of(semantic), Grid.of(levels), sitk.GetArrayFromImage(levels)
        line = centre_line(column, grid.ijk_to_lps)
        z = [line.low_mm - grid.spacing[2] / 2, line.high_mm + grid.spacing[2] / 2]
        bounds, normals = [], {}
        present = [level for level in reversed(LEVELS) if (truth == level.code).any()]
        for lower, upper in pairwise(present):
            plane = middle_plane(truth == lower.code, truth == upper.code, grid)
            if plane is None:  # a sliver of a body at an end of the field of view
                continue
            centre, normal = plane
            at = _on_line(line, centre, normal)
            bounds.append(Boundary(lower.name, upper.name, at / PET_SLICE_MM, at, 0.0, 1.0, "user"))
            normals[lower.name, upper.name] = normal
        cut = BoundarySet(tuple(bounds), *z, bottom_cut=True, top_cut=True)
        bodies = column & (sitk.GetArrayViewFromImage(semantic) == 1)
        yield Anatomy(path.name.removesuffix("_levels.nii.gz"), bodies, truth, grid, line, cut, normals)


def middle_plane(lower: np.ndarray, upper: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre (LPS mm) and unit normal of the plane fitted halfway between two bodies (kji masks) that face each other.

    None where they hardly do.
    """
    top = lower.shape[0] - 1 - np.argmax(lower[::-1], axis=0)
    bottom = np.argmax(upper, axis=0)
    j, i = np.nonzero(lower.any(axis=0) & upper.any(axis=0) & (bottom - top > -2))
    if len(j) < 20:
        return None
    points = grid.to_mm(np.stack([i, j, (top[j, i] + bottom[j, i]) / 2], axis=1))
    centre = points.mean(axis=0)
    rises, *_ = np.linalg.lstsq(points[:, :2] - centre[:2], points[:, 2] - centre[2], rcond=None)
    normal = np.array([-rises[0], -rises[1], 1.0])
    return centre, normal / np.linalg.norm(normal)


def _on_line(line: CentreLine, centre: np.ndarray, normal: np.ndarray) -> float:
    heights = np.arange(centre[2] - 40, centre[2] + 40, 0.1)
    return float(heights[np.argmin([abs((np.array(line.point(float(z))) - centre) @ normal) for z in heights])])


def row(name: str, found: list[Anatomy]) -> str:
    """One table row: mean and worst Dice, and angle, for each way of cutting, over the vertebrae of some anatomies."""
    cells = [name, str(sum(len(one.scores["axial"][0]) for one in found))]
    for cuts in WAYS:
        scores = [one.scores[cuts] for one in found]
        worst = min((value, level) for by_level, _ in scores for level, value in by_level.items())
        dice = [value for by_level, _ in scores for value in by_level.values()]
        angles = [angle for _, several in scores for angle in several]
        rms = float(np.sqrt(np.mean(np.square(angles))))
        off = [] if cuts == "true" else [f"{rms:.1f}"]
        cells += [f"{np.mean(dice):.3f}", f"{worst[0]:.3f} ({worst[1]})", *off]
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="simulated patients a curve (5)")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw the pictures of docs/oblique.md")
    args = parser.parse_args()
    pairs = "axial: mean Dice | worst | off (deg, RMS) | oblique: mean Dice | worst | off (deg, RMS)"
    header = f"vertebrae | {pairs} | true planes: mean Dice | worst |\n" + "| --- " * 10 + "|"
    print(f"| phantoms (day 28), boundaries | {header}")
    found: dict[str, list[Anatomy]] = {}
    for curve in CURVES:
        for kind, exact in (("detected", False), ("true", True)):
            several = list(phantoms(curve, args.seeds, exact))
            found[f"{curve}, {kind}"] = several
            print(row(f"{curve}, {kind}", several), flush=True)
    folder = Path(os.environ.get("VERTEBRAFLT_SHARED", "../shared")) / "data" / "ct"
    if folder.is_dir():
        print(f"\n| label maps of real CT | {header}")
        maps = list(real(folder))
        for one in maps:
            print(row(one.name, [one]))
        print(row("all", maps))
        found["real"] = maps
    if args.figures:
        shown = [found["kyphosis 25, detected"][0], *(one for one in found.get("real", []) if one.name == "lidc0001")]
        args.figures.mkdir(parents=True, exist_ok=True)
        dice_figure(found["kyphosis 25, detected"], found.get("real", []), args.figures / "oblique-dice.png")
        slices_figure(shown, args.figures / "oblique-cuts.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
