"""The middle of the vertebral column as a smooth curve, whose tangent says how a disc is turned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline, make_smoothing_spline

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundary import AXIAL, Vector, unit_normal
from VertebraFLTLib.spine.profile import FloatArray

SMOOTH_MM = 90.0
"""Curves of this wavelength are halved, shorter ones vanish: the line follows the spine, not single vertebrae."""

STEEPEST_DEG = 50.0  # no tangent leans more: what does is an end of the mask, not the spine


@dataclass(frozen=True, eq=False)
class CentreLine:
    """x and y (LPS mm) as smooth functions of height z; straight on beyond ``low_mm`` and ``high_mm``, its ends."""

    across: tuple[BSpline, BSpline]
    low_mm: float
    high_mm: float

    def point(self, z_mm: float) -> Vector:
        """Where the line is at a height (LPS mm)."""
        z = min(max(z_mm, self.low_mm), self.high_mm)
        x, y = (float(f(z) + f(z, 1) * (z_mm - z)) for f in self.across)
        return x, y, z_mm

    def tangent(self, z_mm: float) -> Vector:
        """Unit direction of the line at a height, towards the head."""
        z = min(max(z_mm, self.low_mm), self.high_mm)
        x, y = (float(f(z, 1)) for f in self.across)
        lean = math.hypot(x, y)
        limit = math.tan(math.radians(STEEPEST_DEG))
        return AXIAL if lean == 0 else unit_normal((x * min(1, limit / lean), y * min(1, limit / lean), 1.0))


def centre_line(column: npt.NDArray[Any], ijk_to_lps: npt.NDArray[np.floating]) -> CentreLine:
    """The centre line of a column mask.

    ``column``: kji mask, slices near to axial. ``ijk_to_lps``: (4, 4), voxel index to LPS mm. A smoothing spline
    through the centroids of the slices, each weighted by its area: the sliver of a tilted body at an end hardly counts.
    Raises InputError when the mask is empty.
    """
    z, x, y, area = _centroids(column, ijk_to_lps)
    if len(z) < 5:
        flat = tuple(_line(z, values, area) for values in (x, y))
    else:
        weights = area / np.median(area) * np.gradient(z)  # per mm, whatever the slice spacing
        stiffness = (SMOOTH_MM / (2 * np.pi)) ** 4
        flat = tuple(make_smoothing_spline(z, values, weights, lam=stiffness) for values in (x, y))
    return CentreLine((flat[0], flat[1]), float(z[0]), float(z[-1]))


def _centroids(
    column: npt.NDArray[Any], ijk_to_lps: npt.NDArray[np.floating]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """z, x, y (mm, by rising z) of the middle of each slice of the mask, and the number of voxels in it."""
    k, j, i = np.nonzero(column)
    if len(k) == 0:
        raise InputError("the vertebral column (label 1) is empty: it has no centre line")
    area = np.bincount(k).astype(np.float64)
    rows = np.flatnonzero(area)
    index = np.stack([np.bincount(k, axis)[rows] / area[rows] for axis in (i, j)] + [rows.astype(float)])
    points = ijk_to_lps[:3, :3] @ index + ijk_to_lps[:3, 3:]
    order = np.argsort(points[2], kind="stable")
    x, y, z = points[:, order]
    return z, x, y, area[rows][order]


def _line(z: FloatArray, values: FloatArray, weights: FloatArray) -> BSpline:
    """A constant, for a column of too few slices to have a direction."""
    return BSpline([z[0] - 1.0, z[-1] + 1.0], [float(np.average(values, weights=weights))], 0)
