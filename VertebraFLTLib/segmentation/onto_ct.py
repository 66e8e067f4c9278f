"""From probabilities on the working grid to a mask on the CT's own grid."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.segmentation.cleanup import clean_up
from VertebraFLTLib.segmentation.combine import margins
from VertebraFLTLib.segmentation.grid import box_on, crop


def mask_on_ct(
    probabilities: dict[str, np.ndarray],
    thresholds: dict[str, list[float]],
    combine: str,
    part: sitk.Image,
    ct: sitk.Image,
    progress: Progress = silent,
) -> tuple[sitk.Image, dict[str, float]]:
    """The mask that networks' probabilities become, and what the clean-up took away (ml by structure).

    probabilities: per view (or ``volume``) uint8 (structures, k, j, i) on the working grid ``part``; emptied here, for
    they are large. thresholds: per view, one a structure. combine: as :func:`margins`.
    """
    decided = margins(probabilities, thresholds, combine)
    probabilities.clear()
    progress("segmentation", 0.93)
    mask = to_ct_grid(decided, part, ct)
    progress("segmentation", 0.97)
    return clean_up(mask, ct)


def to_ct_grid(decided: np.ndarray, part: sitk.Image, ct: sitk.Image) -> sitk.Image:
    """Margins (structures, k, j, i) on the working grid ``part`` become labels on the grid of ``ct``.

    Each structure's margin is interpolated linearly inside its own box; where several claim a voxel, the one with
    the largest margin has it.
    """
    labels = np.zeros(ct.GetSize()[::-1], np.uint8)
    best = np.zeros(ct.GetSize()[::-1], np.int16)
    for structure, margin in zip(STRUCTURES, decided, strict=True):
        where = [np.flatnonzero((margin >= 0).any(axis=tuple({0, 1, 2} - {a}))) for a in (2, 1, 0)]
        if not len(where[0]):
            continue
        # One voxel more on each side: the surface lies between a voxel inside and one outside.
        inner = tuple(
            (max(0, int(w[0]) - 1), min(n, int(w[-1]) + 2)) for w, n in zip(where, part.GetSize(), strict=True)
        )
        image = sitk.GetImageFromArray(margin[tuple(slice(a, b) for a, b in reversed(inner))])
        image.CopyInformation(crop(part, inner))
        target = box_on(ct, part, inner)
        on_ct = sitk.Resample(
            image, crop(_geometry(ct), target), sitk.Transform(), sitk.sitkLinear, -255.0, sitk.sitkInt16
        )
        here = tuple(slice(a, b) for a, b in reversed(target))
        value = sitk.GetArrayFromImage(on_ct) + np.int16(1)  # a margin of 0 is inside
        wins = value > best[here]
        labels[here][wins] = structure.label
        best[here][wins] = value[wins]
    mask = sitk.GetImageFromArray(labels)
    mask.CopyInformation(ct)
    return mask


def _geometry(image: sitk.Image) -> sitk.Image:
    """An empty 1-byte image with the same grid: cheaper to crop than the CT itself."""
    empty = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    empty.CopyInformation(image)
    return empty
