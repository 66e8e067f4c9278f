"""PET and one bone's mask together on a fine grid: what the isosurfaces of that bone are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.interpolate import make_interp_spline

from VertebraFLTLib.quantification.coverage import Box, Grid, coverage

_FINE_MM = 2.0  # a third of the scanner's point spread
_MARGIN = 3  # PET voxels around the bone: the spline and the smoothing need some


@dataclass(frozen=True)
class UptakeField:
    """SUV and bone on a grid of about 2 mm along the PET's axes.

    ``suv``: float32, kji, cubic interpolation of the PET. ``bone``: float32, kji, the mask smoothed, 0 to 1, its
    surface at one half.
    """

    grid: Grid
    suv: np.ndarray
    bone: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """SUV of the voxels inside the bone."""
        return self.suv[self.bone >= 0.5]


def uptake_field(pet_suv: sitk.Image, mask: sitk.Image) -> UptakeField | None:
    """The field around a 0/1 mask (any grid); None where the mask lies outside the PET or is too thin to draw."""
    box = Grid.of(pet_suv).box_around(Grid.of(mask), _MARGIN)
    if box is None:
        return None
    coarse = Grid.of(pet_suv, box)
    factors = tuple(max(1, round(s / _FINE_MM)) for s in coarse.spacing)
    fine = coarse.refined(factors)
    bone = ndimage.gaussian_filter(coverage(mask, fine), 1.0, mode="nearest")
    if not (bone >= 0.5).any():
        return None
    return UptakeField(fine, _cubic(pet_suv, box, factors[::-1]), bone)


def _cubic(image: sitk.Image, box: Box, factors: tuple[int, ...]) -> np.ndarray:
    """Cubic spline through the voxels of a box (kji), each divided into ``factors`` parts; one axis after another."""
    values = sitk.GetArrayViewFromImage(image)[box].astype(np.float32)
    for axis, factor in enumerate(factors):
        n = values.shape[axis]
        if factor == 1:
            continue
        at = (np.arange(n * factor) + 0.5) / factor - 0.5
        spline = make_interp_spline(np.arange(n), values, k=min(3, n - 1), axis=axis)
        values = spline(np.clip(at, 0, n - 1)).astype(np.float32)
    return values
