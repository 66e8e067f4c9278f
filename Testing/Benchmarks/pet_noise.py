"""How noisy a real PET is, in the unit of the simulation: relative standard deviation of a voxel at SUV 1."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.suv import pet_to_suv
from VertebraFLTLib.io.suv_record import SuvOverrides

APART_MM = 10.0  # further than noise is correlated
SMOOTH_MM = 12.0
AROUND = (0.7, 1.2)  # SUV of the voxels that are looked at


def report(path: str) -> str:
    """One line: second differences along z over 10 mm in soft tissue near SUV 1. Anatomy adds to it: an upper bound."""
    image, suv = pet_to_suv(read_image(path, modality="PT"), "auto", SuvOverrides())
    values, spacing = sitk.GetArrayFromImage(image), image.GetSpacing()
    apart = max(1, round(APART_MM / spacing[2]))
    second = values[2 * apart :] - 2 * values[apart:-apart] + values[: -2 * apart]
    mean = gaussian_filter(values, [SMOOTH_MM / s for s in spacing[::-1]])[apart:-apart]
    inside = (mean > AROUND[0]) & (mean < AROUND[1]) & (values[apart:-apart] > 0.05)
    deviation = 1.4826 * float(np.median(np.abs(second[inside]))) / np.sqrt(6)
    level = deviation / float(np.sqrt(np.median(mean[inside])))
    voxel = "x".join(f"{s:.1f}" for s in spacing)
    return f"{path}: {suv.tracer}, {voxel} mm: at most {level:.2f} at SUV 1, from {inside.sum()} voxels"
