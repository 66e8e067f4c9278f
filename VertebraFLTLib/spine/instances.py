"""From column mask and boundaries to the label map of single vertebrae (thesis: slicing the mask at the boundaries)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.vertebrae import Vertebra


def label_vertebrae(
    column: npt.NDArray[Any],
    z_mm: npt.NDArray[np.floating[Any]],
    boundaries: BoundarySet,
    slice_spacing_mm: float,
) -> npt.NDArray[np.uint8]:
    """VerSe numbers of the vertebrae in the column mask; kji uint8 of the column's shape.

    ``column``: kji mask. ``z_mm``: superior coordinate in mm, (nk, 1, 1) where slices are axial, else (nk, nj, ni).
    ``slice_spacing_mm``: of the PET. As in the thesis the boundary's own PET slice belongs to no vertebra: voxels whose
    centre is less than half a PET slice from a boundary are 0. The outer ends of the column are no boundaries: nothing
    is taken from them. Pieces that are no single vertebra (``BoundarySet.vertebrae``) are 0, incomplete ones are kept.
    """
    shape = column.shape
    labels = np.zeros(shape, np.uint8)
    pieces = boundaries.vertebrae()
    if not pieces:
        return labels
    heights = np.asarray(z_mm)
    if heights.size == shape[0]:
        for k, value in enumerate(_codes(heights.reshape(-1), pieces, boundaries, slice_spacing_mm)):
            if value:
                np.multiply(column[k] != 0, value, out=labels[k], dtype=np.uint8, casting="unsafe")
        return labels
    inside = column.astype(bool, copy=False)
    labels[inside] = _codes(np.broadcast_to(heights, shape)[inside], pieces, boundaries, slice_spacing_mm)
    return labels


def _codes(
    z_mm: npt.NDArray[np.floating[Any]], pieces: list[Vertebra], boundaries: BoundarySet, slice_spacing_mm: float
) -> npt.NDArray[np.uint8]:
    """The VerSe number at each of these heights; 0 in no vertebra and less than half a PET slice from a boundary."""
    codes = np.zeros(z_mm.shape, np.uint8)
    for one in pieces:
        codes[(z_mm >= one.z_low_mm) & (z_mm < one.z_high_mm)] = LEVEL_BY_NAME[one.level].code
    for boundary in boundaries.boundaries:
        codes[np.abs(z_mm - boundary.z_mm) < slice_spacing_mm / 2] = 0
    return codes
