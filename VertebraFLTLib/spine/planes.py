"""Turns boundaries into planes across the column: axial as the thesis cuts, or square to the column's centre line."""

from __future__ import annotations

from dataclasses import replace

from VertebraFLTLib.result import CUTS
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import AXIAL, Boundary
from VertebraFLTLib.spine.boundary_rules import cross
from VertebraFLTLib.spine.centre_line import CentreLine
from VertebraFLTLib.spine.profile import FloatArray

Points = tuple[FloatArray, FloatArray, FloatArray]
"""x, y and z of some points (LPS mm), float64 arrays that broadcast to one shape."""


def place(boundaries: BoundarySet, line: CentreLine, cuts: str, *, anew: bool = False) -> BoundarySet:
    """The same boundaries with a centre on the line, and with a normal along it (``cuts`` "oblique") or axial.

    Boundaries that have a centre already are left as they are, since a user may have turned them; ``anew`` turns those
    too, all but the locked ones. A plane that would cross its neighbour inside the column is laid parallel to it.
    """
    if cuts not in CUTS:
        raise ValueError(f"cuts {cuts!r}: choose one of {', '.join(CUTS)}")
    bounds = list(boundaries.boundaries)
    placed = [i for i, one in enumerate(bounds) if (not one.locked if anew else one.centre_mm is None)]
    for i in placed:
        z_mm = bounds[i].z_mm
        normal = AXIAL if cuts == "axial" else line.tangent(z_mm)
        bounds[i] = replace(bounds[i], centre_mm=line.point(z_mm), normal=normal)
    for i in placed:  # along a smooth line nothing crosses, but beside a plane that a user turned something may
        for lower, upper in ((i - 1, i), (i, i + 1)):
            if lower >= 0 and upper < len(bounds) and cross(bounds[lower], bounds[upper]):
                bounds[i] = replace(bounds[i], normal=bounds[lower + upper - i].normal)
    return replace(boundaries, boundaries=tuple(bounds))


def height_above(one: Boundary, points: Points) -> FloatArray:
    """Signed distance (mm) of points from a boundary's plane; above it is positive."""
    x, y, z = points
    up: FloatArray = z - one.z_mm
    if one.normal == AXIAL or one.centre_mm is None:
        return up
    n, c = one.normal, one.centre_mm
    tilted: FloatArray = n[0] * (x - c[0]) + n[1] * (y - c[1]) + n[2] * up
    return tilted
