"""The rules that boundaries of one column must keep: order, spacing, names in a row, planes that do not cross."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.optimize import brentq

from VertebraFLTLib.spine.boundary import AXIAL, Boundary, Vector
from VertebraFLTLib.spine.levels import follows

MIN_SPAN_MM = 6.0
"""A user's boundary is refused closer to another than this: even a collapsed vertebra with its disc is higher.
What a detector finds is kept as it is, with little confidence."""

NO_CROSSING_WITHIN_MM = 18.0
"""Neighbouring planes must not cross nearer to the centre line than this, about half a body's diameter."""

_COMPASS = tuple((math.cos(a), math.sin(a)) for a in (math.radians(step) for step in range(0, 360, 30)))


def problem_of(bounds: Sequence[Boundary], bottom_z_mm: float, top_z_mm: float) -> str:
    """What is wrong with boundaries given from the lowest up, in words; empty when nothing is."""
    for i, one in enumerate(bounds):
        if not bottom_z_mm < one.z_mm < top_z_mm:
            return (
                f"{one.label} at z {one.z_mm:.1f} mm lies outside the column ({bottom_z_mm:.1f} to {top_z_mm:.1f} mm)"
            )
        if not follows(one.below, one.above):
            return f"boundary {i}: {one.above} cannot lie next above {one.below}"
        if i == 0:
            continue
        before = bounds[i - 1]
        if one.below != before.above:
            return f"boundary {i}: below is {one.below} where boundary {i - 1} has {before.above} above"
        gap = one.z_mm - before.z_mm
        if gap <= 0 or ("user" in (one.source, before.source) and gap < MIN_SPAN_MM):
            where = f"{one.below} would be {gap:.1f} mm high" if gap > 0 else f"{one.below} would be upside down"
            return f"{where}; boundaries keep {MIN_SPAN_MM:g} mm apart"
        if cross(before, one):
            return (
                f"the planes {before.label} and {one.label} would cross inside the column, "
                f"within {NO_CROSSING_WITHIN_MM:g} mm of its middle"
            )
    return ""


def cross(lower: Boundary, upper: Boundary) -> bool:
    """Whether the lower plane comes above the upper one near the centre line."""
    middle = lower.centre_mm or upper.centre_mm
    if middle is None or lower.normal == upper.normal:
        return False
    for cosine, sine in _COMPASS:
        x, y = NO_CROSSING_WITHIN_MM * cosine, NO_CROSSING_WITHIN_MM * sine
        point = (middle[0] + x, middle[1] + y)
        if height_at(lower, point) >= height_at(upper, point):
            return True
    return False


def height_at(boundary: Boundary, point: tuple[float, float]) -> float:
    """Height (mm) of the boundary's plane above a point (x, y) of the axial plane."""
    if boundary.normal == AXIAL or boundary.centre_mm is None:
        return boundary.z_mm
    n, c = boundary.normal, boundary.centre_mm
    return c[2] - (n[0] * (point[0] - c[0]) + n[1] * (point[1] - c[1])) / n[2]


def along(bounds: Sequence[Boundary], z_mm: float) -> tuple[Vector | None, Vector]:
    """Where the centre line is at a height, and the normal of a plane there, both after the boundaries around it.

    Between two boundaries in a straight line from one's centre to the other's; beyond the outermost one along its
    normal. None and axial where no boundary has a centre.
    """
    known = [(one.z_mm, one.centre_mm, one.normal) for one in bounds if one.centre_mm is not None]
    if not known:
        return None, AXIAL
    above = [one for one in known if one[0] >= z_mm]
    below = [one for one in known if one[0] < z_mm]
    if above and below:
        (z0, c0, n0), (z1, c1, n1) = below[-1], above[0]
        share = (z_mm - z0) / (z1 - z0)
        x, y = (a + share * (b - a) for a, b in zip(c0[:2], c1[:2], strict=True))
        mixed = [a + share * (b - a) for a, b in zip(n0, n1, strict=True)]
        length = math.hypot(*mixed)
        normal = (mixed[0] / length, mixed[1] / length, mixed[2] / length)
        return (x, y, z_mm), AXIAL if n0 == AXIAL == n1 else normal
    z0, c0, normal = above[0] if above else below[-1]
    x, y = (c + (z_mm - z0) * n / normal[2] for c, n in zip(c0[:2], normal[:2], strict=True))
    return (x, y, z_mm), normal


def height_of_plane(
    bounds: Sequence[Boundary], point_mm: Vector, normal: Vector, bottom_z_mm: float, top_z_mm: float
) -> float | None:
    """Height at which a plane meets the centre line that boundaries mark; None where it misses the column.

    The plane holds ``point_mm`` and has ``normal`` (LPS).
    """

    def above(z_mm: float) -> float:
        centre, _ = along(bounds, z_mm)
        assert centre is not None
        return sum(n * (c - p) for n, c, p in zip(normal, centre, point_mm, strict=True))

    if not (above(bottom_z_mm) < 0 < above(top_z_mm)):
        return None
    return float(brentq(above, bottom_z_mm, top_z_mm, xtol=1e-9))
