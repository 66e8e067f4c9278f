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
        low = self.low_mm if self.below is None else min(height_at(self.below, xy) for xy in corners)
        high = self.high_mm if self.above is None else max(height_at(self.above, xy) for xy in corners)
        return low, high


def pieces_of(boundaries: BoundarySet) -> list[Piece]:
    """The vertebrae from the lowest up with the planes that bound them."""
    above = {one.below: one for one in boundaries.boundaries}
    below = {one.above: one for one in boundaries.boundaries}
    return [
        Piece(v.level, v.z_low_mm, v.z_high_mm, below.get(v.level), above.get(v.level)) for v in boundaries.vertebrae()
    ]


def codes_at(points: Points, pieces: Sequence[Piece], slice_spacing_mm: float) -> npt.NDArray[np.uint8]:
    """The VerSe number at each of some points (x, y, z arrays of one shape, LPS mm); 0 where there is no vertebra.

    As in the thesis the boundary's own PET slice belongs to no vertebra: a point less than half a PET slice from a
    boundary's plane gets 0. The outer ends of the column are no boundaries: nothing is taken from them.
    """
    codes = np.zeros(points[2].shape, np.uint8)
    for piece in pieces:
        low, high = piece.clearance(points, slice_spacing_mm / 2)
        codes[(low >= 0) & (high >= 0)] = piece.code
    return codes


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
