"""What anatomy says of a semantic mask: one column, one sternum, a pair of hips, one sacrum; nothing is added."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.anatomy import HIP_BONE, SACRUM, STERNUM, STRUCTURES, VERTEBRAL_BODY, Structure

# Pieces nearer to the kept ones than this belong to the same bone: discs and thin slices part what is one structure.
_JOIN_MM = {VERTEBRAL_BODY.label: 14.0, STERNUM.label: 14.0, SACRUM.label: 6.0, HIP_BONE.label: 6.0}
_LEAST_ML = 0.3  # what is smaller is noise unless it touches
# A structure whose largest piece is smaller than this is not in view: a few false voxels are no hip bone.
_LEAST_STRUCTURE_ML = {VERTEBRAL_BODY.label: 0.5, STERNUM.label: 1.5, SACRUM.label: 3.0, HIP_BONE.label: 3.0}


def clean_up(mask: sitk.Image) -> tuple[sitk.Image, dict[str, float]]:
    """Keep of each structure the main body and what lies beside it; islands elsewhere become background.

    The hip bones keep up to two main bodies of comparable size. Returns the mask and, per structure key, the
    millilitres taken away (to be reported).
    """
    array = sitk.GetArrayFromImage(mask)
    voxel_ml = float(np.prod(mask.GetSpacing())) / 1000.0
    spacing = np.array(mask.GetSpacing()[::-1])
    removed: dict[str, float] = {}
    boxes = ndimage.find_objects(array, max_label=len(STRUCTURES))
    for structure in STRUCTURES:
        box = boxes[structure.label - 1]
        if box is None:
            continue
        here = array[box] == structure.label
        keep = _main_parts(here, spacing, voxel_ml, structure)
        gone = here & ~keep
        count = int(gone.sum())
        if count:
            removed[structure.key] = round(count * voxel_ml, 3)
            array[box][gone] = 0
    cleaned = sitk.GetImageFromArray(array)
    cleaned.CopyInformation(mask)
    return cleaned, removed


def _main_parts(here: np.ndarray, spacing: np.ndarray, voxel_ml: float, structure: Structure) -> np.ndarray:
    join_mm, mains = _JOIN_MM[structure.label], 2 if structure is HIP_BONE else 1
    parts, count = ndimage.label(here, np.ones((3, 3, 3), bool))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    order = np.argsort(sizes)[::-1]
    if sizes[order[0]] * voxel_ml < _LEAST_STRUCTURE_ML[structure.label]:
        return np.zeros_like(here)
    if count == 1:
        return here
    kept = {int(order[0])}
    for other in order[1:mains]:
        if sizes[other] > 0.2 * sizes[order[0]]:
            kept.add(int(other))
    boxes = ndimage.find_objects(parts)
    waiting = [int(p) for p in order if p not in kept and sizes[p] * voxel_ml >= _LEAST_ML]
    grown = True
    while grown:  # a column broken at several discs is collected piece by piece
        grown = False
        for part in list(waiting):
            if any(_gap_mm(parts, boxes, part, k, spacing, join_mm) <= join_mm for k in kept):
                kept.add(part)
                waiting.remove(part)
                grown = True
    return np.isin(parts, list(kept))


def _gap_mm(
    parts: np.ndarray, boxes: list[tuple[slice, ...]], one: int, other: int, spacing: np.ndarray, enough: float
) -> float:
    """The distance between two parts, or infinity when their boxes alone are farther apart than ``enough``."""
    a, b = boxes[one - 1], boxes[other - 1]
    apart = [max(0, s.start - t.stop, t.start - s.stop) for s, t in zip(a, b, strict=True)]
    if np.linalg.norm(np.array(apart) * spacing) > enough:
        return float("inf")
    margin = np.ceil(enough / spacing).astype(int) + 1
    near = tuple(slice(max(0, s.start - m), min(n, s.stop + m)) for s, m, n in zip(a, margin, parts.shape, strict=True))
    target = parts[near] == other
    if not target.any():
        return float("inf")
    distance = ndimage.distance_transform_edt(~target, sampling=spacing)
    return float(distance[parts[near] == one].min())
