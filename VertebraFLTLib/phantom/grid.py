"""The sampling grids of the phantom: axis-aligned LPS voxel grids and boxes cut out of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

Point = tuple[float, float, float]
Bounds = tuple[Point, Point]
"""Lower and upper corner, (x, y, z) in LPS mm."""


@dataclass(frozen=True)
class Grid:
    """An axis-aligned grid: ``size``, ``spacing`` (mm) and ``origin`` (centre of the first voxel) as (x, y, z)."""

    size: tuple[int, int, int]
    spacing: Point
    origin: Point

    @property
    def shape(self) -> tuple[int, int, int]:
        """Array shape kji = (z, y, x)."""
        return (self.size[2], self.size[1], self.size[0])

    def axis(self, axis: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Voxel centres along one axis (0 = x, 1 = y, 2 = z), float32 mm."""
        index = np.arange(start, self.size[axis] if stop is None else stop)
        return (self.origin[axis] + self.spacing[axis] * index).astype(np.float32)

    def box(self, bounds: Bounds) -> tuple[slice, slice, slice] | None:
        """The kji slices of the voxels that touch ``bounds``, or ``None`` where none does."""
        slices = []
        for axis in range(3):
            low = (bounds[0][axis] - self.origin[axis]) / self.spacing[axis]
            high = (bounds[1][axis] - self.origin[axis]) / self.spacing[axis]
            start = max(0, int(np.floor(low + 0.5)))
            stop = min(self.size[axis], int(np.ceil(high + 0.5)))
            if stop <= start:
                return None
            slices.append(slice(start, stop))
        return (slices[2], slices[1], slices[0])

    def subdivided(self, factors: tuple[int, int, int]) -> Grid:
        """The grid whose voxels are each divided into ``factors`` (x, y, z) equal parts."""
        spacing = tuple(s / f for s, f in zip(self.spacing, factors, strict=True))
        origin = tuple(o - s / 2 + sub / 2 for o, s, sub in zip(self.origin, self.spacing, spacing, strict=True))
        size = tuple(n * f for n, f in zip(self.size, factors, strict=True))
        return Grid(size, spacing, origin)  # type: ignore[arg-type]

    def moved(self, shift_mm: Point) -> Grid:
        """The same grid displaced by ``shift_mm`` (x, y, z)."""
        return Grid(self.size, self.spacing, tuple(o + s for o, s in zip(self.origin, shift_mm, strict=True)))  # type: ignore[arg-type]

    def image(self, array: np.ndarray) -> sitk.Image:
        """``array`` (kji) as a SimpleITK image on this grid."""
        image = sitk.GetImageFromArray(np.ascontiguousarray(array))
        image.SetSpacing(tuple(float(s) for s in self.spacing))
        image.SetOrigin(tuple(float(o) for o in self.origin))
        return image
