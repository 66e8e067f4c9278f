"""Single vertebrae on the PET's own voxels: the column cut at the boundaries, a slice partly cut counting in part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import VERTEBRAL_BODY
from VertebraFLTLib.quantification.coverage import Box, Grid, LabelBoxes, coverage
from VertebraFLTLib.quantification.dilation import dilate_labels_in_plane
from VertebraFLTLib.quantification.masks_on_pet import PetRegion, axial_axis
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.instances import Piece, corners_of, pieces_of
from VertebraFLTLib.spine.planes import Points

_HALF = 0.5 - 1e-3
_LEAST_WEIGHT = 0.02  # less of a slice than this is rounding


@dataclass(frozen=True, eq=False)
class Part:
    """A vertebra on the PET before the dilation: ``weight`` (float32, kji) fills the slices ``slab`` of the box."""

    level: str
    code: int
    slab: slice
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class ColumnOnPet:
    """What cutting the column on the PET needs, whatever the boundaries: all arrays are kji and fill ``box``."""

    box: Box
    fraction: np.ndarray  # of each voxel, inside the column
    points: Points  # LPS mm of the voxels
    corners: tuple[tuple[float, float], ...]  # x and y of the box's corners
    slice_z: tuple[np.ndarray, np.ndarray]  # lowest and highest z of each slice
    half_mm: float  # half the slice spacing
    axis: int  # which of kji runs along the patient
    voxel_ml: float

    @classmethod
    def of(cls, pet: sitk.Image, semantic: sitk.Image) -> ColumnOnPet | None:
        """The column of a semantic mask (uint8, any grid) on the PET; None where they do not meet."""
        column = LabelBoxes.of(semantic).binary((VERTEBRAL_BODY.label,))
        box = None if column is None else Grid.of(pet).box_around(Grid.of(column), 2)
        if column is None or box is None:
            return None
        grid = Grid.of(pet, box)
        k, j, i = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in grid.shape), indexing="ij", sparse=True)
        x, y, z = (row[0] * i + row[1] * j + row[2] * k + row[3] for row in grid.ijk_to_lps[:3])
        points = (x, y, z)
        axis = axial_axis(pet)
        others = tuple(a for a in range(3) if a != axis)
        return cls(
            box=box,
            fraction=coverage(column, grid),
            points=points,
            corners=corners_of(points),
            slice_z=(points[2].min(axis=others), points[2].max(axis=others)),
            half_mm=pet.GetSpacing()[2 - axis] / 2,
            axis=axis,
            voxel_ml=grid.voxel_ml,
        )

    def within(self, slab: slice) -> tuple[slice, ...]:
        """The index of some slices in the arrays."""
        return tuple(slab if axis == self.axis else slice(None) for axis in range(3))

    def part(self, piece: Piece) -> Part:
        """The part of each voxel that lies in the vertebra, clear of the layers around its boundaries.

        A voxel counts as one slice thick along the normal of the plane that cuts it.
        """
        bottom, top = piece.span_mm(self.corners)
        reached = np.flatnonzero((self.slice_z[1] > bottom - self.half_mm) & (self.slice_z[0] < top + self.half_mm))
        slab = slice(int(reached[0]), int(reached[-1]) + 1) if len(reached) else slice(0, 0)
        at = self.within(slab)
        x, y, z = (p[at] for p in self.points)
        low, high = piece.clearance((x, y, z), self.half_mm)
        part = (np.minimum(low, self.half_mm) + np.minimum(high, self.half_mm)) / (2 * self.half_mm)
        weight = np.clip(part, 0.0, 1.0).astype(np.float32)
        weight[weight < _LEAST_WEIGHT] = 0.0
        weight[weight > 1.0 - _LEAST_WEIGHT] = 1.0
        return Part(piece.level, piece.code, slab, weight)

    def owners(self, parts: Iterable[Part], slab: slice) -> np.ndarray:
        """VerSe number of the vertebra that each voxel of a slab belongs to, after the dilation; 0 for none.

        The dilation is flat, so that a slab comes out as it does within the whole.
        """
        fraction = self.fraction[self.within(slab)]
        owner = np.zeros(fraction.shape, np.uint8)
        shares = {}
        for part in parts:
            start, stop = max(part.slab.start, slab.start), min(part.slab.stop, slab.stop)
            if start >= stop:
                continue
            inside = part.weight[self.within(slice(start - part.slab.start, stop - part.slab.start))] > 0
            at = self.within(slice(start - slab.start, stop - slab.start))
            owner[at][(fraction[at] >= _HALF) & inside] = part.code
            shares[part.code] = np.zeros(fraction.shape, np.float32)
            shares[part.code][at] = np.where(inside, fraction[at], 0)
        return dilate_labels_in_plane(owner, shares, self.axis)

    def region(self, part: Part, owners: np.ndarray) -> PetRegion | None:
        """The vertebra's region, given the owners of all voxels of the box; None where it has no voxel."""
        at = self.within(part.slab)
        mask = (owners[at] == part.code) & (part.weight > 0)
        if not mask.any():
            return None
        start = self.box[self.axis].start
        box = list(self.box)
        box[self.axis] = slice(start + part.slab.start, start + part.slab.stop)
        bone_ml = float((self.fraction[at] * part.weight).sum(dtype=np.float64)) * self.voxel_ml
        whole: Box = (box[0], box[1], box[2])
        return PetRegion(part.level, str(part.code), whole, mask, bone_ml, bone_ml, part.weight)


def vertebrae_on_pet(pet: sitk.Image, semantic: sitk.Image, boundaries: BoundarySet) -> list[PetRegion]:
    """The vertebrae from the lowest up, cut from the column on the PET grid.

    The thesis cuts the column at whole PET slices and gives the slice at a boundary to no vertebra. Here a boundary may
    lie between slices, and lean: a layer one slice thick around its plane belongs to no vertebra, and a voxel that this
    layer covers in part counts with the rest of its thickness (``PetRegion.weight``). For axial boundaries at whole
    slices that is the thesis's rule; in between, means move with the boundary instead of jumping by a slice, which for
    a thoracic vertebra of five slices would be up to a tenth. The dilation is the thesis's flat cross.

    semantic: uint8 mask on any grid. A vertebra outside the PET has no region.
    """
    column = ColumnOnPet.of(pet, semantic)
    if column is None:
        return []
    parts = [column.part(piece) for piece in pieces_of(boundaries)]
    owners = column.owners(parts, slice(0, column.fraction.shape[column.axis]))
    return [region for part in parts if (region := column.region(part, owners)) is not None]
