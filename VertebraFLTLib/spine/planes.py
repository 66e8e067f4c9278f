"""Turns boundaries into planes across the column: axial as the thesis cuts, or square to the column's centre line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from VertebraFLTLib.result import CUTS
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import AXIAL, Boundary, unit_normal
from VertebraFLTLib.spine.boundary_rules import cross
from VertebraFLTLib.spine.centre_line import CentreLine
from VertebraFLTLib.spine.profile import FloatArray

Points = tuple[FloatArray, FloatArray, FloatArray]
"""x, y and z of some points (LPS mm), float64 arrays that broadcast to one shape."""


def place(boundaries: BoundarySet, line: CentreLine, cuts: str, *, anew: bool = False) -> BoundarySet:
    """The same boundaries with a centre on the line, and with a normal along it (``cuts`` "oblique") or axial.

    Boundaries that have a centre already are left as they are, since a user may have turned them; ``anew`` turns those
    too, all but the locked ones.
    """
    if cuts not in CUTS:
        raise ValueError(f"cuts {cuts!r}: choose one of {', '.join(CUTS)}")
    placed = []
    for one in boundaries.boundaries:
        if one.locked if anew else one.centre_mm is not None:
            placed.append(one)
            continue
        normal = AXIAL if cuts == "axial" else line.tangent(one.z_mm)
        placed.append(replace(one, centre_mm=line.point(one.z_mm), normal=normal))
    return replace(boundaries, boundaries=tuple(_uncrossed(placed)))


def _uncrossed(bounds: list[Boundary]) -> list[Boundary]:
    """Neighbours whose planes would cross inside the column made parallel, and all axial if that is not enough.

    A detector may put two boundaries very near to each other; along a smooth line nothing else crosses.
    """
    for _ in range(len(bounds)):
        crossing = [i for i in range(len(bounds) - 1) if cross(bounds[i], bounds[i + 1])]
        if not crossing:
            return bounds
        for i in crossing:
            mean: Any = tuple(np.add(bounds[i].normal, bounds[i + 1].normal).tolist())
            for at in (i, i + 1):
                if not bounds[at].locked:
                    bounds[at] = replace(bounds[at], normal=unit_normal(mean))
    return [one if one.locked else replace(one, normal=AXIAL) for one in bounds]


def height_above(one: Boundary, points: Points) -> FloatArray:
    """Signed distance (mm) of points from a boundary's plane; above it is positive."""
    x, y, z = points
    up: FloatArray = z - one.z_mm
    if one.normal == AXIAL or one.centre_mm is None:
        return up
    n, c = one.normal, one.centre_mm
    tilted: FloatArray = n[0] * (x - c[0]) + n[1] * (y - c[1]) + n[2] * up
    return tilted
