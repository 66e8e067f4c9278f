"""The uptake profile: mean PET value inside the column mask, slice by slice along the patient (thesis equation 19)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.csv_rows import number_in, read_rows, write_rows

FloatArray = npt.NDArray[np.float64]

COLUMNS = ("pet_slice", "z_mm", "mean_suv", "voxels")
_NO_COLUMN = "the vertebral column (label 1) and the PET share no voxel: they must be of one patient and overlap"


@dataclass(frozen=True)
class SliceAxis:
    """Where PET slices lie along the patient: ``z = z0_mm + pet_slice * step_mm`` (step < 0: slices run downwards)."""

    z0_mm: float
    step_mm: float

    def slice_at(self, z_mm: float) -> float:
        """Slice index, with fraction, of a superior coordinate."""
        return float((z_mm - self.z0_mm) / self.step_mm)


@dataclass(frozen=True, eq=False)
class Profile:
    """Uptake along the column, one row per PET slice, rows by rising z.

    ``pet_slice`` (n,): slice index in the PET (with a fraction only where the PET is oblique); ``z_mm`` (n,): superior
    coordinate of the slice, ascending, evenly spaced; ``mean_suv`` (n,): mean inside the mask, 0 where there is none;
    ``voxels`` (n,): number of mask voxels. The rows cover the part of the PET that the mask's image covers too: a
    column that is there in the first or last row is cut by the field of view.
    """

    pet_slice: FloatArray
    z_mm: FloatArray
    mean_suv: FloatArray
    voxels: npt.NDArray[np.int64]

    @property
    def spacing_mm(self) -> float:
        """Distance of neighbouring rows in mm."""
        if len(self.z_mm) < 2:
            return 1.0
        return float((self.z_mm[-1] - self.z_mm[0]) / (len(self.z_mm) - 1))

    @property
    def axis(self) -> SliceAxis:
        """Slice index to z and back."""
        if len(self.z_mm) < 2:
            return SliceAxis(float(self.z_mm[0] - self.pet_slice[0]), 1.0)
        step = float((self.z_mm[-1] - self.z_mm[0]) / (self.pet_slice[-1] - self.pet_slice[0]))
        return SliceAxis(float(self.z_mm[0] - self.pet_slice[0] * step), step)

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row with column voxels. Raises InputError when there is none."""
        filled = np.flatnonzero(self.voxels > 0)
        if len(filled) == 0:
            raise InputError(_NO_COLUMN)
        return int(filled[0]), int(filled[-1])

    @property
    def extent_mm(self) -> tuple[float, float]:
        """Lower and upper end of the column: the outer faces of its first and last slice."""
        first, last = self.rows
        half = self.spacing_mm / 2
        return float(self.z_mm[first] - half), float(self.z_mm[last] + half)

    @property
    def cut(self) -> tuple[bool, bool]:
        """Whether the column reaches the lower and the upper end of the field of view."""
        first, last = self.rows
        return first == 0, last == len(self.z_mm) - 1

    def column(self) -> tuple[FloatArray, FloatArray]:
        """z (mm) and uptake of the column's rows; slices without voxels in between are interpolated."""
        first, last = self.rows
        inside = slice(first, last + 1)
        z, filled = self.z_mm[inside], self.voxels[inside] > 0
        return z.copy(), np.interp(z, z[filled], self.mean_suv[inside][filled])

    def to_csv(self) -> str:
        """The table ``profile.csv``."""
        cells = zip(self.pet_slice, self.z_mm, self.mean_suv, self.voxels, strict=True)
        return write_rows(COLUMNS, ((float(s), float(z), float(m), int(v)) for s, z, m, v in cells))

    @staticmethod
    def from_csv(text: str, name: str = "profile.csv") -> Profile:
        """The profile of a table written by :meth:`to_csv`. Raises InputError naming row and column."""
        table = []
        for row, cells in read_rows(text, COLUMNS, name):
            table.append([number_in(cells, column, row, name) for column in COLUMNS])
            if len(table) > 1 and table[-1][1] <= table[-2][1]:
                raise InputError(f"{name}: row {row}, column z_mm: must be above the row before")
            if table[-1][3] < 0 or table[-1][3] != int(table[-1][3]):
                raise InputError(f"{name}: row {row}, column voxels: {cells['voxels']!r} is not a count")
        if not table:
            raise InputError(f"{name}: has no rows")
        values = np.array(table, dtype=np.float64)
        return Profile(values[:, 0], values[:, 1], values[:, 2], values[:, 3].astype(np.int64))


def uptake_profile(
    pet_suv: npt.NDArray[np.floating],
    column: npt.NDArray[np.bool_],
    z_mm: npt.NDArray[np.floating],
    *,
    coverage_z_mm: tuple[float, float] | None = None,
) -> Profile:
    """Mean uptake inside the column mask per axial slice (thesis eq. 19).

    ``pet_suv`` and ``column``: kji arrays of one shape on the PET grid. ``z_mm``: superior coordinate in mm, of shape
    (nk, 1, 1) when slices are axial, else (nk, nj, ni); slices may run up or down. ``coverage_z_mm``: the z interval in
    which the image of the mask exists, where it is shorter than the PET; rows outside are left out.

    In an oblique PET a row is a layer of one slice's height, and a voxel is shared between the two nearest rows.
    Voxels that are NaN or infinite do not count. Raises InputError when mask and PET share no usable voxel.
    """
    if pet_suv.shape != column.shape or pet_suv.ndim != 3:
        raise ValueError(f"PET {pet_suv.shape} and mask {column.shape} must be volumes on one grid")
    column = column.astype(bool) & np.isfinite(pet_suv)
    if not column.any():
        raise InputError(_NO_COLUMN)
    nk = pet_suv.shape[0]
    heights = np.asarray(z_mm, dtype=np.float64)
    z: FloatArray
    if heights.size == nk:
        z = np.round(heights.reshape(nk), 4)  # a map in single precision says no more
        voxels = np.count_nonzero(column, axis=(1, 2)).astype(np.int64)
        total = np.sum(pet_suv, axis=(1, 2), where=column, dtype=np.float64)
        index = np.arange(nk, dtype=np.float64)
        weight = voxels.astype(np.float64)
    else:
        index, z, total, weight = _layers(pet_suv, column, np.broadcast_to(heights, pet_suv.shape))
        voxels = np.rint(weight).astype(np.int64)
    mean: FloatArray = np.where(voxels > 0, total / np.where(voxels > 0, weight, 1.0), 0.0)
    order = np.argsort(z, kind="stable")
    if coverage_z_mm is not None:
        low, high = sorted(coverage_z_mm)
        order = order[(z[order] >= low) & (z[order] <= high)]
        if not voxels[order].any():
            raise InputError(_NO_COLUMN)
    return Profile(index[order], z[order], mean[order], voxels[order])


def _layers(
    pet_suv: npt.NDArray[np.floating], column: npt.NDArray[np.bool_], z_mm: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Slice index, z, summed uptake and number of voxels of layers of one slice's height through an oblique volume."""
    nk, nj, ni = pet_suv.shape
    centre = z_mm[:, nj // 2, ni // 2]  # on this line slice index and layer agree
    step = float((centre[-1] - centre[0]) / max(nk - 1, 1)) or 1.0
    position = (z_mm[column] - centre[0]) / step
    lowest, highest = int(np.floor(position.min())) - 1, int(np.ceil(position.max())) + 1
    rows = highest - lowest + 1
    below = np.floor(position)
    share = position - below
    first = below.astype(np.int64) - lowest
    values = pet_suv[column].astype(np.float64)
    total, weight = np.zeros(rows), np.zeros(rows)
    for layer, part in ((first, 1 - share), (first + 1, share)):
        total += np.bincount(layer, part * values, rows)
        weight += np.bincount(layer, part, rows)
    index = np.arange(lowest, highest + 1, dtype=np.float64)
    # A column that leaves through the first or last slice must stand in the outermost row: that is how a profile says
    # that it is cut. Elsewhere the empty row beyond its end stays.
    filled = np.flatnonzero(np.rint(weight) > 0)
    if len(filled) == 0:
        raise InputError(_NO_COLUMN)
    kept = slice(filled[0] if column[0].any() else 0, filled[-1] + 1 if column[-1].any() else rows)
    return index[kept], centre[0] + index[kept] * step, total[kept], weight[kept]
