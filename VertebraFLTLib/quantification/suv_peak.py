"""SUVpeak: the highest mean uptake within a sphere of one millilitre."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.quantification.coverage import Box, Grid

PEAK_RADIUS_MM = (3.0 * 1000.0 / (4.0 * np.pi)) ** (1.0 / 3.0)
"""Radius of a sphere of 1 ml: 6.204 mm (Wahl et al., J Nucl Med 2009, PERCIST 1.0)."""
_PARTS = 11  # per axis and voxel, odd: how finely the sphere's edge cuts voxels


def sphere_weights(index_to_mm: np.ndarray, radius_mm: float = PEAK_RADIUS_MM) -> np.ndarray:
    """Fraction of each voxel inside a sphere centred on the middle voxel: float64, kji, sum = volume in voxels.

    index_to_mm: (3, 3), one column per ijk axis, its step in millimetres; need not be square or upright.
    """
    # The sphere's half width in voxels along each index axis; the last voxel is the one whose near face it passes.
    half = radius_mm * np.linalg.norm(np.linalg.inv(index_to_mm), axis=1)
    reach = np.maximum(np.ceil(half + 0.5).astype(int) - 1, 0)
    axes = []
    for n in reach:
        voxels = np.arange(-n, n + 1)
        parts = (np.arange(_PARTS) - _PARTS // 2) / _PARTS
        axes.append((voxels[:, None] + parts).ravel())
    i, j, k = (a.astype(np.float32) for a in axes)
    squared = np.zeros((k.size, j.size, i.size), dtype=np.float32)
    for row in index_to_mm:
        squared += (row[0] * i + (row[1] * j)[:, None] + (row[2] * k)[:, None, None]) ** 2
    inside = squared <= radius_mm**2
    ni, nj, nk = 2 * reach + 1
    return inside.reshape(nk, _PARTS, nj, _PARTS, ni, _PARTS).mean(axis=(1, 3, 5), dtype=np.float64)


def sphere_means(pet_suv: sitk.Image, box: Box) -> np.ndarray:
    """For each voxel of a box (kji slices) of the PET the mean SUV within 1 ml centred on it: float32, kji.

    Voxels cut by the sphere count by the part inside. The sphere may leave the region (as SUVpeak is defined) and the
    box; where it leaves the image the mean is over what remains.
    """
    weights = sphere_weights(Grid.of(pet_suv).index_to_mm)
    sizes = reversed(pet_suv.GetSize())
    wide = tuple(
        slice(max(s.start - n // 2, 0), min(s.stop + n // 2, size))
        for s, n, size in zip(box, weights.shape, sizes, strict=True)
    )
    array = sitk.GetArrayViewFromImage(pet_suv)[wide].astype(np.float32)
    total = ndimage.convolve(array, weights, mode="constant")
    seen = ndimage.convolve(np.ones_like(array), weights, mode="constant")
    inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(box, wide, strict=True))
    return total[inner] / seen[inner]
