"""Simulated under-sampling of a volume along z: thick slices, and the way back to the working grid."""

from __future__ import annotations

import math

import numpy as np


def thick_slices(count: int, spacing_mm: float, native_mm: float, slice_mm: float, shift: float) -> np.ndarray:
    """The linear map (count, count) from a fine z axis to what thick slices leave of it.

    Slices of ``slice_mm``, the first one ``shift`` (0 to 1) of a slice from the start, are averaged from the fine axis
    (a Gaussian of the added width, as the slice profile of a scanner that had ``native_mm`` already) and interpolated
    back linearly, as the segmenter does with a real CT of that sampling. Rows sum to 1.
    """
    z = np.arange(count) * spacing_mm
    pitch = np.arange((shift - 1) * slice_mm, z[-1] + slice_mm, slice_mm)
    added = math.sqrt(max(slice_mm**2 - max(native_mm, spacing_mm) ** 2, 0.0))
    sigma = max(0.35 * added, 0.25 * spacing_mm)
    blur = np.exp(-0.5 * ((pitch[:, None] - z[None]) / sigma) ** 2)
    # A slice centred beyond the volume's end sees nothing of it; it takes the end's value.
    blur[pitch < 0, :] = 0.0
    blur[pitch < 0, 0] = 1.0
    blur[pitch > z[-1], :] = 0.0
    blur[pitch > z[-1], -1] = 1.0
    blur /= blur.sum(axis=1, keepdims=True)
    place = (z - pitch[0]) / slice_mm
    low = np.clip(np.floor(place).astype(int), 0, len(pitch) - 2)
    share = np.clip(place - low, 0.0, 1.0)[:, None]
    return ((1 - share) * blur[low] + share * blur[low + 1]).astype(np.float32)
