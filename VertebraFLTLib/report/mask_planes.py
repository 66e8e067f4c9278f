"""Planes through a CT and its mask for a contact sheet: along the column, through the sternum, axial, projected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.anatomy import STERNUM, STRUCTURES, VERTEBRAL_BODY
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes
from VertebraFLTLib.report.reformat import CentreLine, sample

_PIXEL_MM = 1.0
_AIR_HU = -1000.0
_EDGE_MM = 25.0  # the first and last axial slice lie this far inside the marrow bones, where there is something to see
_COARSE = 3  # pixels a step of the CT's projection; the mask's own is exact
_SKIN_HU = -300.0
_AROUND_MM = 8.0  # left around patient and mask

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MaskPlane:
    """One picture: ``ct`` HU (rows, columns), per structure key the share of each 1 mm pixel inside the mask.

    Rows rise with z (axial: with y, from front to back), columns with x, or y for a sagittal plane; ``extent_mm``
    is (first column, last column, first row, last row), outer edges, for matplotlib. ``view`` is ``"sagittal"``,
    ``"coronal"``, ``"axial"``, or ``"shadow"``: a projection from the front.
    """

    view: str
    title: str
    short: str  # the title of a narrow picture
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
    field_mm: npt.NDArray[np.float64]  # (2, 3) lowest and highest LPS coordinate of patient and mask inside the CT

    @classmethod
    def of(cls, ct: sitk.Image, mask: sitk.Image) -> MaskPlanes:
        """From a CT in HU and a semantic mask."""
        boxes = LabelBoxes.of(mask)
        masks = {s.key: crop for s in STRUCTURES if (crop := boxes.binary((s.label,))) is not None}
        return cls(ct, masks, _field(ct, list(masks.values())))

    @property
    def line(self) -> CentreLine:
        """The column's centre line; the middle of the CT where there is no column."""
        return CentreLine.of(self.masks.get(VERTEBRAL_BODY.key, self.ct))

    def sagittal(self) -> MaskPlane:
        """Bent along the column's centre line."""
        line = self.line
        return self._upright("sagittal", "column", line.x_at)

    def coronals(self) -> list[MaskPlane]:
        """Bent along the column; and along the sternum where there is one."""
        planes = [self._upright("coronal", "column", self.line.y_at)]
        if STERNUM.key in self.masks:
            sternum = CentreLine.of(self.masks[STERNUM.key])
            planes.append(self._upright("coronal", "sternum", sternum.y_at))
        return planes

    def shadow(self) -> MaskPlane:
        """The whole mask seen from the front upon the brightest voxels of the CT: no island can hide from it."""
        across, up = self._steps(0), self._steps(2)
        x, z = np.meshgrid(across[::_COARSE], up[::_COARSE])
        brightest = np.full(x.shape, _AIR_HU, np.float32)
        for y in np.arange(self.field_mm[0, 1], self.field_mm[1, 1], _PIXEL_MM * _COARSE):
            points = np.stack([x, np.full_like(x, y), z], axis=-1)
            np.maximum(brightest, sample(self.ct, points, _AIR_HU), out=brightest)
        behind = brightest.repeat(_COARSE, axis=0).repeat(_COARSE, axis=1)[: len(up), : len(across)]
        seen = {}
        for key, mask in self.masks.items():
            seen[key] = np.zeros(behind.shape, np.float32)
            filled = np.argwhere(sitk.GetArrayViewFromImage(mask))[:, ::-1]
            _throw(seen[key], Grid.of(mask), filled, across, up)
        return MaskPlane("shadow", "whole mask from the front", "mask", behind, seen, _extent(across, up))

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
            planes.append(self._sampled("axial", f"axial, z {z:.0f} mm", f"z {z:.0f}", points, across, deep))
        return planes

    def _upright(self, view: str, bone: str, depth_at: Callable[[npt.NDArray], npt.NDArray]) -> MaskPlane:
        across, up = self._steps(1 if view == "sagittal" else 0), self._steps(2)
        straight, height = np.meshgrid(across, up)
        depth = depth_at(height)
        order = [depth, straight, height] if view == "sagittal" else [straight, depth, height]
        return self._sampled(view, f"{view}, along the {bone}", bone, np.stack(order, axis=-1), across, up)

    def _sampled(
        self, view: str, title: str, short: str, points: npt.NDArray, across: npt.NDArray, up: npt.NDArray
    ) -> MaskPlane:
        masks = {key: sample(mask, points, 0.0) for key, mask in self.masks.items()}
        return MaskPlane(view, title, short, sample(self.ct, points, _AIR_HU), masks, _extent(across, up))

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


def _field(ct: sitk.Image, masks: list[sitk.Image]) -> npt.NDArray[np.float64]:
    """(2, 3) lowest and highest coordinates of the patient (the largest thing that is not air) and all of the mask."""
    every = 4
    array = sitk.GetArrayViewFromImage(ct)[::every, ::every, ::every]
    parts, count = ndimage.label(array > _SKIN_HU)
    corners = _corners(Grid.of(ct))
    whole = np.stack([corners.min(axis=0), corners.max(axis=0)])
    if not count:
        return whole
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    index = every * np.argwhere(parts == sizes.argmax())[:, ::-1]
    patient = Grid.of(ct).to_mm(np.concatenate([index - every + 1, index + every - 1]))  # skin lies between samples
    shown = np.concatenate([patient, *(_corners(Grid.of(mask)) for mask in masks)])
    low = np.maximum(shown.min(axis=0) - _AROUND_MM, whole[0])
    high = np.minimum(shown.max(axis=0) + _AROUND_MM, whole[1])
    low[2], high[2] = whole[:, 2]
    return np.stack([low, high])


def _corners(grid: Grid) -> npt.NDArray[np.float64]:
    ends = [(-0.5, n - 0.5) for n in grid.size]
    return grid.to_mm(np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, -1).T)
