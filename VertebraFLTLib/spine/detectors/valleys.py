"""Evidence for valleys in a profile: a matched filter for the spacing of the vertebrae, and sub-slice positions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.ndimage import correlate1d, uniform_filter1d

from VertebraFLTLib.spine.confidence import profile_noise
from VertebraFLTLib.spine.profile import FloatArray

HETEROGENEITY = 0.025
"""Dips within a vertebra that are no noise, as a share of the uptake."""


def fine_profile(z_mm: FloatArray, uptake: FloatArray, step_mm: float) -> tuple[FloatArray, FloatArray]:
    """The profile on a finer even grid from its first to its last slice (cubic spline)."""
    count = int((z_mm[-1] - z_mm[0]) / step_mm + 1e-6) + 1
    fine = z_mm[0] + np.arange(count) * step_mm
    if len(z_mm) < 4:
        return fine, np.interp(fine, z_mm, uptake)
    return fine, CubicSpline(z_mm, uptake)(fine)


def valley_filter(span_mm: float, step_mm: float) -> FloatArray:
    """Kernel answering to a valley whose neighbouring peaks lie half a span away; zero mean.

    One and a half periods of a cosine under a smooth window, scaled so that a pure wave of that period and of depth D,
    from peak to valley, gives D at its valleys.
    """
    half = max(2, round(0.75 * span_mm / step_mm))
    u = np.arange(-half, half + 1) * step_mm / span_mm
    window = np.cos(np.pi * u / (2 * (0.75 + step_mm / span_mm))) ** 2
    wave = -np.cos(2 * np.pi * u)
    kernel = window * (wave - np.average(wave, weights=window))
    return 2 * kernel / -float(kernel @ np.cos(2 * np.pi * u))


class ValleyEvidence:
    """How much speaks for a boundary at every point of a fine grid, in standard deviations of what no valley gives."""

    def __init__(self, z_mm: FloatArray, uptake: FloatArray, step_mm: float = 1.0) -> None:
        self.step_mm = step_mm
        self.slice_mm = float(z_mm[1] - z_mm[0])
        self.z_mm, self.uptake = fine_profile(z_mm, uptake, step_mm)
        self._noise = profile_noise(uptake)

    def score(self, span_mm: float) -> FloatArray:
        """Filter response for vertebrae of this span, relative to the local uptake and in units of its spread."""
        kernel = valley_filter(span_mm, self.step_mm)
        response = correlate1d(self.uptake, kernel, mode="nearest")
        size = max(3, round(2 * span_mm / self.step_mm))
        level = uniform_filter1d(self.uptake, size, mode="nearest")
        floor = 0.05 * float(np.abs(self.uptake).mean()) + 1e-12
        # White noise of independent slices through the filter.
        noise = self._noise * np.sqrt(self.slice_mm * self.step_mm * float(kernel @ kernel)) / self.step_mm
        return np.asarray(response / np.hypot(noise, HETEROGENEITY * np.maximum(level, floor)))


def refined_extremum(values: npt.NDArray[np.floating], index: int) -> float:
    """Position, in samples, of the extremum of the parabola through ``index`` and its two neighbours (within +-0.5)."""
    if not 0 < index < len(values) - 1:
        return float(index)
    before, at, after = (float(v) for v in values[index - 1 : index + 2])
    bend = before - 2 * at + after
    if bend == 0:
        return float(index)
    return index + float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
