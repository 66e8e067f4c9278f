"""Masks brought down to the PET's own voxels, so that the PET is never resampled (thesis 5.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import HIP_BONE, LEVELS, SACRUM, STERNUM, VERTEBRAL_BODY
from VertebraFLTLib.quantification.coverage import Box, Grid, LabelBoxes, coverage
from VertebraFLTLib.quantification.dilation import dilate_ball, dilate_labels_in_plane

REGIONS: dict[str, tuple[int, ...]] = {
    "vertebral_column": (VERTEBRAL_BODY.label,),
    "pelvis": (HIP_BONE.label, SACRUM.label),
    "hips": (HIP_BONE.label,),
    "sacrum": (SACRUM.label,),
    "sternum": (STERNUM.label,),
}
"""The whole-bone regions in the order of ``suv.csv``, each with its labels in the semantic mask."""

_HALF = 0.5 - 1e-3  # a voxel filled to exactly one half belongs to the mask, whatever the rounding
_MARGIN = 2  # voxels around the bone: room for the dilation


@dataclass(frozen=True)
class PetRegion:
    """A region on the PET grid: ``mask`` (bool, kji, dilated) fills ``box`` of the PET's array."""

    roi: str
    label: str
    box: Box
    mask: np.ndarray
    bone_ml: float  # of the mask on the CT grid (of a vertebra cut on the PET: what is left to it there)
    bone_on_pet_ml: float  # the part of it inside the PET's field of view, before dilation
    weight: np.ndarray | None = None  # float, of the mask's shape: the part of each voxel that counts; None: all of it


def regions_on_pet(pet: sitk.Image, semantic: sitk.Image, vertebrae: sitk.Image) -> list[PetRegion]:
    """Every region that the masks hold and the PET sees: vertebrae from the lowest up, then :data:`REGIONS`.

    A PET voxel belongs to a region when the mask fills at least half of it; the result is then dilated as the thesis
    does (see ``dilation``). Grids, orientations and fields of view may differ in any way. Whole bones may share rim
    voxels after dilation (column and sacrum), vertebrae never do. Absent regions are left out.

    semantic, vertebrae: uint8 images, values of ``semantic.nii.gz`` and ``vertebrae.nii.gz``.
    """
    return _vertebrae(pet, LabelBoxes.of(vertebrae)) + bones_on_pet(pet, semantic)


def whole_bone_labels(roi: str) -> str:
    """The ``label`` column of a whole-bone region."""
    return "+".join(str(label) for label in REGIONS[roi])


def _volume_ml(mask: sitk.Image) -> float:
    return float(sitk.GetArrayViewFromImage(mask).sum(dtype=np.int64)) * Grid.of(mask).voxel_ml


def _on_pet(pet: sitk.Image, mask: sitk.Image | None) -> tuple[Box, np.ndarray] | None:
    if mask is None:
        return None
    box = Grid.of(pet).box_around(Grid.of(mask), _MARGIN)
    return None if box is None else (box, coverage(mask, Grid.of(pet, box)))


def _at_least_half(fraction: np.ndarray) -> np.ndarray:
    # A bone thinner than half a voxel everywhere still has its place: the voxels it fills most.
    most = float(fraction.max())
    return fraction >= (_HALF if most >= _HALF else max(0.5 * most, 1e-6))


def bones_on_pet(pet: sitk.Image, semantic: sitk.Image) -> list[PetRegion]:
    """The whole-bone regions alone, in the order of :data:`REGIONS`."""
    boxes = LabelBoxes.of(semantic)
    regions = []
    for roi, labels in REGIONS.items():
        mask = boxes.binary(labels)
        placed = _on_pet(pet, mask)
        if mask is None or placed is None:
            continue
        box, fraction = placed
        dilated = dilate_ball(_at_least_half(fraction))
        if dilated.any():
            on_pet = float(fraction.sum(dtype=np.float64)) * Grid.of(pet).voxel_ml
            regions.append(PetRegion(roi, whole_bone_labels(roi), box, dilated, _volume_ml(mask), on_pet))
    return regions


def _vertebrae(pet: sitk.Image, vertebrae: LabelBoxes) -> list[PetRegion]:
    masks = {level.code: vertebrae.binary((level.code,)) for level in reversed(LEVELS)}
    placed = {code: found for code, mask in masks.items() if (found := _on_pet(pet, mask)) is not None}
    if not placed:
        return []
    box = hull([b for b, _ in placed.values()])
    shape = tuple(s.stop - s.start for s in box)
    fractions = {}
    for code, (own, fraction) in placed.items():
        fractions[code] = np.zeros(shape, dtype=np.float32)
        fractions[code][inside(own, box)] = fraction
    labels = dilate_labels_in_plane(_exclusive(fractions), fractions, normal_axis=axial_axis(pet))

    regions = []
    for level in reversed(LEVELS):
        mask_on_ct = masks[level.code]
        if mask_on_ct is None or level.code not in placed:
            continue
        own = placed[level.code][0]
        mask = labels[inside(own, box)] == level.code
        if mask.any():
            on_pet = float(fractions[level.code].sum(dtype=np.float64)) * Grid.of(pet).voxel_ml
            regions.append(PetRegion(level.name, str(level.code), own, mask, _volume_ml(mask_on_ct), on_pet))
    return regions


def _exclusive(fractions: dict[int, np.ndarray]) -> np.ndarray:
    """Each voxel to the vertebra that fills at least half of it; thin vertebrae last, from what is left."""
    labels = np.zeros(next(iter(fractions.values())).shape, dtype=np.uint8)
    best = np.zeros(labels.shape, dtype=np.float32)
    for code in sorted(fractions):
        wins = (fractions[code] >= _HALF) & (fractions[code] > best + 1e-3)
        labels[wins] = code
        best[wins] = fractions[code][wins]
    for code in sorted(fractions):
        if not np.any(labels == code):
            labels[_at_least_half(fractions[code]) & (labels == 0)] = code
    return labels


def axial_axis(image: sitk.Image) -> int:
    """The axis of the kji array that runs most nearly from inferior to superior."""
    return 2 - int(np.argmax(np.abs(np.asarray(image.GetDirection()).reshape(3, 3)[2])))


def hull(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of them."""
    union = (slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))
    return tuple(union)  # type: ignore[return-value]


def inside(box: Box, outer: Box) -> Box:
    """A box in the coordinates of one that holds it."""
    shifted = (slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, outer, strict=True))
    return tuple(shifted)  # type: ignore[return-value]
