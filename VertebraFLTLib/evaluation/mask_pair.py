"""A reference and a mask to judge on one grid, checked once, with the voxels that count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import STRUCTURE_BY_LABEL
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.quantification.coverage import Grid


@dataclass(frozen=True, eq=False)
class MaskPair:
    """Integer label maps ``truth`` and ``pred`` (kji); ``ignored``: boolean, voxels left out of every score, or None.

    ``truth_name`` and ``pred_name`` are how messages call them.
    """

    truth: np.ndarray
    pred: np.ndarray
    ignored: np.ndarray | None
    grid: Grid
    truth_name: str
    pred_name: str

    @classmethod
    def of(
        cls,
        truth: sitk.Image,
        pred: sitk.Image,
        truth_name: str,
        pred_name: str,
        ignore: sitk.Image | None = None,
        ignore_name: str = "the ignore map",
    ) -> MaskPair:
        """From images in LPS order; nonzero voxels of ``ignore`` do not count.

        Raises InputError for images on different grids (more than 1 % of a voxel apart), values that are not whole
        numbers, and where no labelled voxel counts.
        """
        grid = Grid.of(truth)
        check_same_grid(grid, Grid.of(pred), truth_name, pred_name)
        ignored = None
        if ignore is not None:
            check_same_grid(grid, Grid.of(ignore), truth_name, ignore_name)
            ignored = sitk.GetArrayViewFromImage(ignore) != 0
        arrays = whole_numbers(truth, truth_name), whole_numbers(pred, pred_name)
        pair = cls(*arrays, ignored, grid, truth_name, pred_name)
        if not pair.labels():
            where = f" outside {ignore_name}" if ignored is not None else ""
            raise InputError(f"{truth_name} and {pred_name} are both empty{where}: there is nothing to compare")
        return pair

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Voxel size in the order of the arrays, kji."""
        return self.grid.spacing[::-1]

    @property
    def voxels(self) -> int:
        """How many voxels count."""
        return self.truth.size - (0 if self.ignored is None else int(np.count_nonzero(self.ignored)))

    def labels(self) -> list[int]:
        """The labels other than 0 of the voxels that count, in either mask."""
        counted = slice(None) if self.ignored is None else ~self.ignored
        return sorted({int(v) for mask in (self.truth, self.pred) for v in np.unique(mask[counted])} - {0})

    def names(self) -> dict[int, str]:
        """What each label is called, where all of them are those of a semantic mask; else nothing."""
        labels = self.labels()
        if any(label not in STRUCTURE_BY_LABEL for label in labels):
            return {}
        return {label: STRUCTURE_BY_LABEL[label].name for label in labels}


def whole_numbers(image: sitk.Image, name: str) -> np.ndarray:
    """An image's values (kji) as integers, also of one stored as floating-point. Raises InputError for fractions."""
    values = sitk.GetArrayFromImage(image)
    if np.issubdtype(values.dtype, np.integer):
        return values
    rounded = np.rint(values)
    wrong = values[~(np.isfinite(values) & (rounded == values))]
    if wrong.size:
        raise InputError(
            f"{name} holds {wrong[0]:g}: labels are whole numbers; give the mask itself, not probabilities or an "
            "image that was interpolated"
        )
    return rounded.astype(np.int32)


def check_same_grid(one: Grid, other: Grid, one_name: str, other_name: str) -> None:
    """Raise InputError unless two grids have the same size and place (within 1 % of a voxel)."""
    if one.size != other.size:
        how = f"{other.size} and {one.size} voxels"
    elif not _same_place(one, other):
        how = f"{other.size} voxels each, in different places"
    else:
        return
    raise InputError(f"{other_name} and {one_name} lie on different grids ({how}); bring one to the other's grid first")


def _same_place(one: Grid, other: Grid) -> bool:
    corners = np.array([(0, 0, 0), (1, 1, 1), (1, 0, 0), (0, 1, 0)]) * (np.array(one.size) - 1)
    return np.allclose(one.to_mm(corners), other.to_mm(corners), atol=0.01 * min(one.spacing))
