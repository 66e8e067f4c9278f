"""Sagittal and coronal planes bent along the column's centre line, so that one picture holds the whole spine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.quantification.coverage import Grid

_SMOOTH_MM = 12.0  # the centre line follows the spine's curves, not its vertebrae
_PIXEL_MM = 1.0


@dataclass(frozen=True)
class CentreLine:
    """The middle of the column: for rising ``z_mm`` the LPS ``x_mm`` and ``y_mm``; constant beyond its ends."""

    z_mm: np.ndarray
    x_mm: np.ndarray
    y_mm: np.ndarray

    @classmethod
    def of(cls, column: sitk.Image) -> CentreLine:
        """From a 0/1 mask of the vertebral bodies; an image with other values gives the line through its middle."""
        grid = Grid.of(column)
        array = sitk.GetArrayViewFromImage(column)
        if array.dtype != np.uint8 or array.max() != 1:
            middle = grid.to_mm((np.asarray(grid.size)[None] - 1) / 2)[0]
            return cls(middle[2:], middle[:1], middle[1:2])
        k, j, i = np.nonzero(array)
        count = np.bincount(k)
        rows = np.flatnonzero(count)
        centres = [np.bincount(k, weights=axis)[rows] / count[rows] for axis in (i, j)]
        points = grid.to_mm(np.stack([*centres, rows], axis=1))
        points = points[np.argsort(points[:, 2])]
        sigma = _SMOOTH_MM / max(float(np.median(np.diff(points[:, 2]))) if len(points) > 1 else 1.0, 0.1)
        x, y = (ndimage.gaussian_filter1d(points[:, axis], sigma, mode="nearest") for axis in (0, 1))
        return cls(points[:, 2], x, y)

    def x_at(self, z_mm: np.ndarray) -> np.ndarray:
        """Left-right position of the middle at some heights."""
        return np.interp(z_mm, self.z_mm, self.x_mm)

    def y_at(self, z_mm: np.ndarray) -> np.ndarray:
        """Front-back position of the middle at some heights."""
        return np.interp(z_mm, self.z_mm, self.y_mm)


@dataclass(frozen=True)
class Plane:
    """A bent plane: rows from the feet up, columns along ``across`` (y for sagittal, x for coronal), 1 mm pixels.

    ``ct`` HU, ``suv``, ``masks`` (fraction inside, by structure key) are (rows, columns); outside an image they are
    air and NaN. ``extent_mm`` is (across low, across high, z low, z high), for matplotlib.
    """

    across: str
    ct: np.ndarray
    suv: np.ndarray
    masks: dict[str, np.ndarray]
    extent_mm: tuple[float, float, float, float]


def bent_plane(
    view: str,
    line: CentreLine,
    ct: sitk.Image,
    pet_suv: sitk.Image,
    masks: Mapping[str, sitk.Image],
    z_range_mm: tuple[float, float],
    across_range_mm: tuple[float, float],
) -> Plane:
    """Sample CT, PET and masks linearly by physical position on the plane through the column's middle.

    ``view`` "sagittal" is straight in y and follows the column in x; "coronal" the other way round. ``masks``: 0/1
    images on any grid.
    """
    z = np.arange(z_range_mm[0] + _PIXEL_MM / 2, z_range_mm[1], _PIXEL_MM)
    across = np.arange(across_range_mm[0] + _PIXEL_MM / 2, across_range_mm[1], _PIXEL_MM)
    straight, height = np.meshgrid(across, z)
    if view == "sagittal":
        points = np.stack([line.x_at(height), straight, height], axis=-1)
    else:
        points = np.stack([straight, line.y_at(height), height], axis=-1)
    return Plane(
        across="y" if view == "sagittal" else "x",
        ct=sample(ct, points, -1000.0),
        suv=sample(pet_suv, points, np.nan),
        masks={key: sample(mask, points, 0.0) for key, mask in masks.items()},
        extent_mm=(float(across[0]) - 0.5, float(across[-1]) + 0.5, float(z[0]) - 0.5, float(z[-1]) + 0.5),
    )


def sample(image: sitk.Image, points_mm: np.ndarray, outside: float) -> np.ndarray:
    """Values (float32, linear) of an image at points (..., 3) in LPS mm; the outer half voxel repeats the border."""
    grid = Grid.of(image)
    index = grid.to_index(points_mm.reshape(-1, 3))
    size = np.asarray(grid.size)
    inside = np.all((index >= -0.5) & (index <= size - 0.5), axis=1)
    values = np.full(len(index), outside, dtype=np.float32)
    array = sitk.GetArrayViewFromImage(image)
    values[inside] = ndimage.map_coordinates(
        array, index[inside, ::-1].T, output=np.float32, order=1, mode="nearest", prefilter=False
    )
    return values.reshape(points_mm.shape[:-1])
