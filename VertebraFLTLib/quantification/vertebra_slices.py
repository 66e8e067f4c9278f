"""Single vertebrae on the PET's own voxels: the column cut at the boundaries, a slice partly cut counting in part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import VERTEBRAL_BODY
from VertebraFLTLib.quantification.coverage import Box, Grid, LabelBoxes, coverage
from VertebraFLTLib.quantification.dilation import dilate_labels_in_plane
from VertebraFLTLib.quantification.masks_on_pet import PetRegion, axial_axis
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.instances import Piece, pieces_of
from VertebraFLTLib.spine.planes import Points

_HALF = 0.5 - 1e-3
_LEAST_WEIGHT = 0.02  # less of a slice than this is rounding


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
        points = tuple(row[0] * i + row[1] * j + row[2] * k + row[3] for row in grid.ijk_to_lps[:3])
        axis = axial_axis(pet)
        others = tuple(a for a in range(3) if a != axis)
        (x0, x1), (y0, y1) = ((float(p.min()), float(p.max())) for p in points[:2])
        return cls(
            box=box,
            fraction=coverage(column, grid),
            points=points,
            corners=((x0, y0), (x0, y1), (x1, y0), (x1, y1)),
            slice_z=(points[2].min(axis=others), points[2].max(axis=others)),
            half_mm=pet.GetSpacing()[2 - axis] / 2,
            axis=axis,
            voxel_ml=grid.voxel_ml,
        )

    def slab(self, piece: Piece) -> slice:
        """The slices that a vertebra can reach."""
        low, high = piece.span_mm(self.corners)
        reached = np.flatnonzero((self.slice_z[1] > low - self.half_mm) & (self.slice_z[0] < high + self.half_mm))
        return slice(int(reached[0]), int(reached[-1]) + 1) if len(reached) else slice(0, 0)

    def within(self, slab: slice) -> tuple[slice, ...]:
        """The index of some slices in the arrays."""
        return tuple(slab if axis == self.axis else slice(None) for axis in range(3))

    def weight(self, piece: Piece, slab: slice) -> np.ndarray:
        """The part of each voxel of a slab that lies in the vertebra, clear of the layers around its boundaries.

        A voxel counts as one slice thick along the normal of the plane that cuts it.
        """
        at = self.within(slab)
        x, y, z = (p[at] for p in self.points)
        low, high = piece.clearance((x, y, z), self.half_mm)
        part = (np.minimum(low, self.half_mm) + np.minimum(high, self.half_mm)) / (2 * self.half_mm)
        weight = np.clip(part, 0.0, 1.0).astype(np.float32)
        weight[weight < _LEAST_WEIGHT] = 0.0
        weight[weight > 1.0 - _LEAST_WEIGHT] = 1.0
        return weight

    def owners(self, pieces: Sequence[Piece], slab: slice) -> np.ndarray:
        """VerSe number of the vertebra that each voxel of a slab belongs to, after the dilation; 0 for none.

        The dilation is flat, so that a slab comes out as it does within the whole.
        """
        fraction = self.fraction[self.within(slab)]
        owner = np.zeros(fraction.shape, np.uint8)
        shares = {}
        for piece in pieces:
            own = self.slab(piece)
            start, stop = max(own.start, slab.start), min(own.stop, slab.stop)
            if start >= stop:
                continue
            weight = self.weight(piece, slice(start, stop))
            inner = self.within(slice(start - slab.start, stop - slab.start))
            owner[inner][(fraction[inner] >= _HALF) & (weight > 0)] = piece.code
            shares[piece.code] = np.zeros(fraction.shape, np.float32)
            shares[piece.code][inner] = np.where(weight > 0, fraction[inner], 0)
        return dilate_labels_in_plane(owner, shares, self.axis)

    def region(self, piece: Piece, owners: np.ndarray) -> PetRegion | None:
        """The vertebra's region, given the owners of all voxels of the box; None where it has no voxel."""
        slab = self.slab(piece)
        at = self.within(slab)
        weight = self.weight(piece, slab)
        mask = (owners[at] == piece.code) & (weight > 0)
        if not mask.any():
            return None
        start = self.box[self.axis].start
        box = list(self.box)
        box[self.axis] = slice(start + slab.start, start + slab.stop)
        bone_ml = float((self.fraction[at] * weight).sum(dtype=np.float64)) * self.voxel_ml
        return PetRegion(piece.level, str(piece.code), (box[0], box[1], box[2]), mask, bone_ml, bone_ml, weight)


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
    pieces = pieces_of(boundaries)
    owners = column.owners(pieces, slice(0, column.fraction.shape[column.axis]))
    return [region for piece in pieces if (region := column.region(piece, owners)) is not None]
