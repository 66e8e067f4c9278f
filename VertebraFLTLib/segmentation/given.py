"""A segmenter for a mask the user already has: brought to the CT's grid, its labels checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.segmentation.protocol import Segmentation


class GivenMask:
    """``--mask PATH``: values as in semantic.nii.gz. Any grid; it is sampled at the CT's voxels."""

    def __init__(self, path: str) -> None:
        self.path = path

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation:
        loaded = read_image(self.path)
        check_labels(loaded.image, self.path)
        progress("segmentation", 0.5)
        mask = sitk.Resample(
            sitk.Cast(loaded.image, sitk.sitkUInt8), ct, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8
        )
        progress("segmentation", 1.0)
        return Segmentation(mask, {"segmenter": "mask", "mask": self.path, "mask_sha256": loaded.source.sha256})


def check_labels(mask: sitk.Image, path: str, also: Mapping[int, str] | None = None) -> None:
    """Refuse a mask whose values are not those of semantic.nii.gz. also: further values that it may have, and what
    they mean."""
    known = {0: "background", **{s.label: s.name.lower() for s in STRUCTURES}, **(also or {})}
    strange = [v for v in np.unique(sitk.GetArrayViewFromImage(mask)).tolist() if v not in known]
    if strange:
        meaning = ", ".join(f"{value} {name}" for value, name in known.items())
        raise InputError(f"{path}: mask has values {strange[:5]}; expected {meaning}")
