"""Planes through a CT and its mask for a contact sheet: along the column, through the sternum, axial, projected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from VertebraFLTLib.anatomy import STERNUM, STRUCTURES, VERTEBRAL_BODY
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes
from VertebraFLTLib.report.reformat import CentreLine, sample

_PIXEL_MM = 1.0
_AIR_HU = -1000.0
_EDGE_MM = 25.0  # the first and last axial slice lie this far inside the marrow bones, where there is something to see
_SHADOW_STEP_MM = 3.0  # steps of the CT's projection; the mask's projection is exact

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MaskPlane:
    """One picture: ``ct`` HU (rows, columns), per structure key the share of each 1 mm pixel inside the mask.

    Rows rise with z (axial: with y, from front to back), columns with x, or y for a sagittal plane; ``extent_mm``
    is (first column, last column, first row, last row), outer edges, for matplotlib. ``view`` is ``"sagittal"``,
    ``"coronal"`` or ``"axial"``.
    """

    view: str
    title: str
    ct: Array
    masks: dict[str, Array]
    extent_mm: tuple[float, float, float, float]

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        left, right, low, high = self.extent_mm
        return right - left, high - low


@dataclass(frozen=True)
class MaskPlanes:
    """Cuts planes of any kind through one CT and its mask (any grid, LPS)."""

    ct: sitk.Image
    masks: dict[str, sitk.Image]  # 0/1 crops by structure key; what is absent is left out
    field_mm: npt.NDArray[np.float64]  # (2, 3) lowest and highest LPS coordinate of the CT

    @classmethod
    def of(cls, ct: sitk.Image, mask: sitk.Image) -> MaskPlanes:
        """From a CT in HU and a semantic mask."""
        boxes = LabelBoxes.of(mask)
        masks = {s.key: crop for s in STRUCTURES if (crop := boxes.binary((s.label,))) is not None}
        corners = _corners(Grid.of(ct))
        return cls(ct, masks, np.stack([corners.min(axis=0), corners.max(axis=0)]))

    @property
    def line(self) -> CentreLine:
        """The column's centre line; the middle of the CT where there is no column."""
        return CentreLine.of(self.masks.get(VERTEBRAL_BODY.key, self.ct))

    def sagittal(self) -> MaskPlane:
        """Bent along the column's centre line."""
        line = self.line
        return self._upright("sagittal", "sagittal, along the column", line.x_at)

    def coronals(self) -> list[MaskPlane]:
        """Bent along the column; and along the sternum where there is one."""
        planes = [self._upright("coronal", "coronal, along the column", self.line.y_at)]
        if STERNUM.key in self.masks:
            sternum = CentreLine.of(self.masks[STERNUM.key])
            planes.append(self._upright("coronal", "coronal, along the sternum", sternum.y_at))
        return planes

    def shadow(self) -> MaskPlane:
        """The whole mask seen from the front upon the brightest voxels of the CT: no island can hide from it."""
        across, up = self._steps(0), self._steps(2)
        x, z = np.meshgrid(across, up)
        brightest = np.full(x.shape, _AIR_HU, np.float32)
        seen = {key: np.zeros(x.shape, np.float32) for key in self.masks}
        deep = np.arange(self.field_mm[0, 1], self.field_mm[1, 1], _SHADOW_STEP_MM)
        coarse_x, coarse_z = x[::3, ::3], z[::3, ::3]
        rough = np.full(coarse_x.shape, _AIR_HU, np.float32)
        for y in deep:
            points = np.stack([coarse_x, np.full_like(coarse_x, y), coarse_z], axis=-1)
            np.maximum(rough, sample(self.ct, points, _AIR_HU), out=rough)
        brightest = np.repeat(np.repeat(rough, 3, axis=0), 3, axis=1)[: x.shape[0], : x.shape[1]]
        for key, mask in self.masks.items():
            grid = Grid.of(mask)
            filled = np.argwhere(sitk.GetArrayViewFromImage(mask))[:, ::-1]
            _throw(seen[key], grid, filled, across, up)
        return MaskPlane("coronal", "whole mask from the front", brightest, seen, _extent(across, up))

    def axials(self, count: int = 4) -> list[MaskPlane]:
        """Axial slices at evenly spaced heights of the marrow bones, from the top down."""
        ends = [_corners(Grid.of(mask))[:, 2] for mask in self.masks.values()]
        low, high = (min(e.min() for e in ends), max(e.max() for e in ends)) if ends else self.field_mm[:, 2]
        inset = min(_EDGE_MM, (high - low) / (count + 1))
        across, deep = self._steps(0), self._steps(1)
        x, y = np.meshgrid(across, deep)
        planes = []
        for z in np.linspace(high - inset, low + inset, count):
            points = np.stack([x, y, np.full_like(x, z)], axis=-1)
            planes.append(self._sampled("axial", f"axial, z {z:.0f} mm", points, across, deep))
        return planes

    def _upright(self, view: str, title: str, depth_at: Callable[[npt.NDArray], npt.NDArray]) -> MaskPlane:
        across, up = self._steps(1 if view == "sagittal" else 0), self._steps(2)
        straight, height = np.meshgrid(across, up)
        depth = depth_at(height)
        order = [depth, straight, height] if view == "sagittal" else [straight, depth, height]
        return self._sampled(view, title, np.stack(order, axis=-1), across, up)

    def _sampled(self, view: str, title: str, points: npt.NDArray, across: npt.NDArray, up: npt.NDArray) -> MaskPlane:
        masks = {key: sample(mask, points, 0.0) for key, mask in self.masks.items()}
        return MaskPlane(view, title, sample(self.ct, points, _AIR_HU), masks, _extent(across, up))

    def _steps(self, axis: int) -> npt.NDArray[np.float64]:
        low, high = self.field_mm[:, axis]
        return np.arange(low + _PIXEL_MM / 2, max(high, low + _PIXEL_MM), _PIXEL_MM)


def _throw(seen: Array, grid: Grid, filled: npt.NDArray, across: npt.NDArray, up: npt.NDArray) -> None:
    """Mark the pixels that voxels (n, 3: ijk) cover when seen along y."""
    half = np.abs(grid.index_to_mm).sum(axis=1) / 2  # of a voxel's extent
    points = grid.to_mm(filled)
    flat = np.unique(np.round(points[:, [0, 2]] * 4).astype(int), axis=0) / 4
    for dx in np.arange(-half[0], half[0] + 0.01, min(_PIXEL_MM, half[0])):
        for dz in np.arange(-half[2], half[2] + 0.01, min(_PIXEL_MM, half[2])):
            column = np.floor((flat[:, 0] + 0.98 * dx - across[0]) / _PIXEL_MM + 0.5).astype(int)
            row = np.floor((flat[:, 1] + 0.98 * dz - up[0]) / _PIXEL_MM + 0.5).astype(int)
            inside = (column >= 0) & (column < seen.shape[1]) & (row >= 0) & (row < seen.shape[0])
            seen[row[inside], column[inside]] = 1.0


def _extent(across: npt.NDArray, up: npt.NDArray) -> tuple[float, float, float, float]:
    half = _PIXEL_MM / 2
    return float(across[0]) - half, float(across[-1]) + half, float(up[0]) - half, float(up[-1]) + half


def _corners(grid: Grid) -> npt.NDArray[np.float64]:
    ends = [(-0.5, n - 0.5) for n in grid.size]
    return grid.to_mm(np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, -1).T)
