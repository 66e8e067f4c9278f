"""From column mask and boundaries to the label map of single vertebrae (thesis: slicing the mask at the boundaries)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import Boundary
from VertebraFLTLib.spine.boundary_rules import height_at
from VertebraFLTLib.spine.planes import Points, height_above
from VertebraFLTLib.spine.profile import FloatArray


@dataclass(frozen=True)
class Piece:
    """One vertebra as the part of the column between two planes, or between one and an end of the column, cut axially.

    ``below``, ``above``: the boundaries, None at an end; ``low_mm``, ``high_mm``: their heights, or that of the end.
    """

    level: str
    low_mm: float
    high_mm: float
    below: Boundary | None
    above: Boundary | None

    @property
    def code(self) -> int:
        """VerSe number."""
        return LEVEL_BY_NAME[self.level].code

    @property
    def geometry(self) -> tuple[object, ...]:
        """Number and bounding planes: two pieces that share it hold the same voxels under the same name."""
        planes = ((one.centre_mm, one.normal) if one else None for one in (self.below, self.above))
        return self.code, self.low_mm, self.high_mm, *planes

    def clearance(self, points: Points, layer_mm: float) -> tuple[FloatArray, FloatArray]:
        """How far points lie above the lower plane and below the upper one (mm; negative: beyond).

        ``layer_mm``: half the thickness of the layer around each boundary that belongs to no vertebra; an end of the
        column has none.
        """
        z = points[2]
        low = z - self.low_mm if self.below is None else height_above(self.below, points) - layer_mm
        high = self.high_mm - z if self.above is None else -height_above(self.above, points) - layer_mm
        return low, high

    def span_mm(self, corners: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Lowest and highest point of the piece within the upright prism over ``corners`` (x, y)."""
        below, above = self.below, self.above
        low = self.low_mm if below is None else min((height_at(below, xy) for xy in corners), default=below.z_mm)
        high = self.high_mm if above is None else max((height_at(above, xy) for xy in corners), default=above.z_mm)
        return low, high


def pieces_of(boundaries: BoundarySet) -> list[Piece]:
    """The vertebrae from the lowest up with the planes that bound them."""
    above = {one.below: one for one in boundaries.boundaries}
    below = {one.above: one for one in boundaries.boundaries}
    return [
        Piece(v.level, v.z_low_mm, v.z_high_mm, below.get(v.level), above.get(v.level)) for v in boundaries.vertebrae()
    ]


def codes_at(points: Points, pieces: Sequence[Piece], slice_spacing_mm: float) -> npt.NDArray[np.uint8]:
    """The VerSe number at each of some points (flat x, y, z arrays, LPS mm); 0 where there is no vertebra.

    As in the thesis the boundary's own PET slice belongs to no vertebra: a point less than half a PET slice from a
    boundary's plane gets 0. The outer ends of the column are no boundaries: nothing is taken from them.
    """
    x, y, z = points
    codes = np.zeros(z.shape, np.uint8)
    corners = corners_of(points)
    for piece in pieces:
        bottom, top = piece.span_mm(corners)
        near = np.flatnonzero((z >= bottom) & (z <= top))
        low, high = piece.clearance((x[near], y[near], z[near]), slice_spacing_mm / 2)
        codes[near[(low >= 0) & (high >= 0)]] = piece.code
    return codes


def corners_of(points: Points) -> tuple[tuple[float, float], ...]:
    """The corners (x, y) of the upright box around some points; none where there is no point."""
    x, y, _ = points
    if x.size == 0:
        return ()
    return tuple((float(a), float(b)) for a in (x.min(), x.max()) for b in (y.min(), y.max()))


def label_vertebrae(
    column: npt.NDArray[Any],
    ijk_to_lps: npt.NDArray[np.floating[Any]],
    boundaries: BoundarySet,
    slice_spacing_mm: float,
) -> npt.NDArray[np.uint8]:
    """VerSe numbers of the vertebrae in the column mask; kji uint8 of the column's shape.

    ``column``: kji mask. ``ijk_to_lps``: (4, 4), voxel index to LPS mm. ``slice_spacing_mm``: of the PET; see
    :func:`codes_at`. Pieces that are no single vertebra (``BoundarySet.vertebrae``) are 0, incomplete ones are kept.
    """
    labels = np.zeros(column.shape, np.uint8)
    where = np.flatnonzero(column)
    points = points_of(where, column.shape, ijk_to_lps)
    labels.reshape(-1)[where] = codes_at(points, pieces_of(boundaries), slice_spacing_mm)
    return labels


def points_of(
    where: npt.NDArray[np.integer[Any]], shape: tuple[int, ...], ijk_to_lps: npt.NDArray[np.floating[Any]]
) -> Points:
    """x, y and z (LPS mm) of voxels given by their flat index into a kji array."""
    k, j, i = np.unravel_index(where, shape)
    x, y, z = (row[0] * i + row[1] * j + row[2] * k + row[3] for row in np.asarray(ijk_to_lps, dtype=np.float64)[:3])
    return x, y, z
