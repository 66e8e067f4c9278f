"""The CT on the network's working grid and the way back, both by physical coordinates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import SimpleITK as sitk

AIR_HU = -1024.0
HU_WINDOW = (-250.0, 1050.0)  # what the networks see; below is fat and air, above is metal

Box = tuple[tuple[int, int], ...]  # ((x0, x1), (y0, y1), (z0, z1)) in voxels, x1 exclusive


def whole_grid(ct: sitk.Image, spacing_mm: tuple[float, float, float]) -> sitk.Image:
    """An image-less grid: patient-aligned (identity direction), covering every voxel of ``ct``.

    It is anchored at the CT's own corner, never at the crop, so that a crop leaves each sample where it was. A CT
    with an oblique direction matrix is so brought back to the planes of the patient that the networks know.
    Returned as a 1-byte image that only carries geometry (spacing, origin, size).
    """
    size = ct.GetSize()
    corners = np.array(
        [
            ct.TransformContinuousIndexToPhysicalPoint([n * s - 0.5 for n, s in zip(size, c, strict=True)])
            for c in itertools.product((0, 1), repeat=3)
        ]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    # 1e-3 of a voxel keeps rounding in the corners from adding a row.
    count = [max(1, math.ceil((h - a) / s - 1e-3)) for a, h, s in zip(low, high, spacing_mm, strict=True)]
    grid = sitk.Image(count, sitk.sitkUInt8)
    grid.SetSpacing(spacing_mm)
    grid.SetOrigin([float(a + s / 2) for a, s in zip(low, spacing_mm, strict=True)])
    return grid


def body_box(ct: sitk.Image, grid: sitk.Image, snap: int, margin_mm: float = 12.0) -> Box:
    """The part of ``grid`` that holds the patient, its in-plane edges snapped to multiples of ``snap`` voxels.

    The snapping keeps the networks' pooling windows where they lie without a crop, so that the crop saves time
    without changing what is found inside the body. The length of the patient is never cut.
    """
    coarse = [8.0, 8.0, max(8.0, grid.GetSpacing()[2])]
    size = [max(1, round(n * s / c)) for n, s, c in zip(grid.GetSize(), grid.GetSpacing(), coarse, strict=True)]
    small = sitk.Resample(
        ct, size, sitk.Transform(), sitk.sitkLinear, grid.GetOrigin(), coarse, grid.GetDirection(), AIR_HU
    )
    body = sitk.BinaryThreshold(small, -300.0, 1e6)
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(body))
    found = np.argwhere(sitk.GetArrayFromImage(parts) == 1)
    if not len(found):
        return tuple((0, n) for n in grid.GetSize())
    box = []
    for axis in range(3):
        n, s = grid.GetSize()[axis], grid.GetSpacing()[axis]
        if axis == 2:
            box.append((0, n))
            continue
        low = (found[:, 2 - axis].min() * coarse[axis] - margin_mm) / s
        high = ((found[:, 2 - axis].max() + 1) * coarse[axis] + margin_mm) / s
        start = max(0, math.floor(low / snap) * snap)
        box.append((start, min(n, math.ceil(high / snap) * snap)))
    return tuple(box)


def sample_ct(ct: sitk.Image, grid: sitk.Image, box: Box) -> sitk.Image:
    """The CT in HU (float32) on the part ``box`` of ``grid``; outside the CT it is air.

    Where the CT is much finer in plane than the grid it is smoothed first, or its noise would alias.
    """
    reference = crop(grid, box)
    ct = _roi(ct, reference)
    if ct.GetPixelID() != sitk.sitkFloat32:
        ct = sitk.Cast(ct, sitk.sitkFloat32)
    for axis, (fine, wide) in enumerate(zip(ct.GetSpacing(), reference.GetSpacing(), strict=True)):
        if wide > 1.3 * fine and ct.GetSize()[axis] >= 4:
            sigma = 0.35 * math.sqrt(wide**2 - fine**2)
            ct = sitk.RecursiveGaussian(ct, sigma=sigma, direction=axis)
    return sitk.Resample(ct, reference, sitk.Transform(), sitk.sitkLinear, AIR_HU, sitk.sitkFloat32)


def crop(image: sitk.Image, box: Box) -> sitk.Image:
    """The part ``box`` of ``image``, its geometry kept."""
    return sitk.RegionOfInterest(image, [b - a for a, b in box], [a for a, _ in box])


def normalised(hu: np.ndarray) -> np.ndarray:
    """HU clipped to the networks' window and scaled to -1..1 (float32)."""
    low, high = HU_WINDOW
    return (np.clip(hu, low, high) - (low + high) / 2).astype(np.float32) / np.float32((high - low) / 2)


def box_on(image: sitk.Image, other: sitk.Image, index_box: Box, margin_mm: float = 0.0) -> Box:
    """The box of ``image`` that holds all of ``other``'s ``index_box`` (any two geometries)."""
    corners = [
        image.TransformPhysicalPointToContinuousIndex(
            other.TransformContinuousIndexToPhysicalPoint([float(b[i] - i) for b, i in zip(index_box, c, strict=True)])
        )
        for c in itertools.product((0, 1), repeat=3)
    ]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    pad = [margin_mm / s for s in image.GetSpacing()]
    return tuple(
        (min(max(0, math.floor(a - p)), n - 1), max(1, min(n, math.ceil(h + p) + 1)))
        for a, h, p, n in zip(low, high, pad, image.GetSize(), strict=True)
    )


def _roi(ct: sitk.Image, reference: sitk.Image) -> sitk.Image:
    whole: Box = tuple((0, n) for n in reference.GetSize())
    return crop(ct, box_on(ct, reference, whole, margin_mm=3 * max(reference.GetSpacing())))
