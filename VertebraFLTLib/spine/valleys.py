"""Valleys in a profile: how deep, evidence by a filter for the spacing of the vertebrae, and sub-slice positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.ndimage import correlate1d, uniform_filter1d

from VertebraFLTLib.spine.profile import FloatArray, Profile

REACH_MM = 35.0  # how far from a boundary its neighbouring peak may lie: a lumbar vertebra's height
HETEROGENEITY = 0.025  # uptake differs by this share within a vertebra, noise or not
EVIDENCE_MM, NEAR_MM = 2.0, 4.0  # steps in which the evidence beside a boundary is looked for, and how near to it
FILTER_MM = (12.0, 50.0)  # spans between which a filter is made, whatever the boundaries say
NARROW_MM = 24.0  # the filter that places a boundary is no wider than this: uneven neighbours then pull it less
REFINE_MM = 3.0  # how far the filter's answer may lie from where the valley is expected
WALL = 0.4  # height of a valley's walls, from its floor to the lower shoulder, at which its middle is taken
NEAR = 0.25  # the floor lies within this share of a span from where the valley is expected
SHOULDERS = 0.55  # and its shoulders within this share


def profile_noise(uptake: npt.NDArray[np.floating]) -> float:
    """Standard deviation of a profile's slice-to-slice noise, from fourth differences (robust, blind to valleys)."""
    if len(uptake) < 9:
        return 0.0
    fourth = np.abs(np.diff(np.asarray(uptake, dtype=np.float64), 4))
    return float(1.4826 * np.median(fourth) / np.sqrt(70.0))


def valley_depths(z_boundaries: Sequence[float], profile: Profile) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Valley depth of each boundary below the mean of its two neighbouring peaks, below the lower one, and that mean.

    All in SUV, boundaries from the lowest up.

    A peak is the highest uptake between the boundary and the next one (or the end of the column), at most 35 mm away.
    """
    z, uptake = profile.column()
    positions = np.asarray(z_boundaries, dtype=np.float64)
    fences = np.concatenate([[z[0] - 1.0], positions, [z[-1] + 1.0]])
    valley = np.interp(positions, z, uptake)
    peaks, lower_peaks = np.empty(len(positions)), np.empty(len(positions))
    for i, at in enumerate(positions):
        lower = uptake[(z > max(fences[i], at - REACH_MM)) & (z < at)]
        upper = uptake[(z > at) & (z < min(fences[i + 2], at + REACH_MM))]
        sides = [float(side.max()) for side in (lower, upper) if len(side)] or [float(valley[i])]
        peaks[i], lower_peaks[i] = np.mean(sides), min(sides)
    return peaks - valley, lower_peaks - valley, peaks


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


def valley_evidence(z_boundaries: Sequence[float], profile: Profile) -> FloatArray:
    """The filter's answer (standard deviations) near each of several boundaries, for the smaller span beside it."""
    evidence = ValleyEvidence(*profile.column(), EVIDENCE_MM)
    spans = np.diff(np.asarray(z_boundaries, dtype=np.float64))
    found = np.zeros(len(z_boundaries))
    for i, at in enumerate(z_boundaries):
        beside = spans[max(i - 1, 0) : i + 1]
        span = float(np.clip(beside.min(), *FILTER_MM)) if len(beside) else NARROW_MM
        near = np.abs(evidence.z_mm - at) <= NEAR_MM
        found[i] = evidence.score(span)[near].max() if near.any() else 0.0
    return found


def valley_middle(z_mm: FloatArray, values: npt.NDArray[np.floating], at_mm: float, span_mm: float) -> float | None:
    """Middle between the walls of the valley next to ``at_mm``: that of the disc, whatever its neighbours' uptake.

    ``z_mm``, ``values``: a finely sampled profile. The floor is the lowest local minimum within a quarter of
    ``span_mm``; None where there is no minimum. Unlike the floor, the walls do not wander with the noise where a valley
    is broad and flat.
    """
    near = np.flatnonzero(np.abs(z_mm - at_mm) <= NEAR * span_mm)
    near = near[(near > 0) & (near < len(z_mm) - 1)]
    minima = near[(values[near] <= values[near - 1]) & (values[near] <= values[near + 1])]
    if len(minima) == 0:
        return None
    floor = int(minima[values[minima].argmin()])
    reach = int(SHOULDERS * span_mm / (z_mm[1] - z_mm[0]))
    below, above = values[max(floor - reach, 0) : floor], values[floor + 1 : floor + 1 + reach]
    height = values[floor] + WALL * (min(below.max(), above.max()) - values[floor])
    walls = below[::-1] >= height, above >= height
    if height <= values[floor] or not (walls[0].any() and walls[1].any()):
        return float(z_mm[floor])
    lower, upper = floor - 1 - int(walls[0].argmax()), floor + 1 + int(walls[1].argmax())
    return 0.5 * (_crossing(z_mm, values, lower, 1, height) + _crossing(z_mm, values, upper, -1, height))


class ValleyPlaces:
    """Sub-slice positions of valleys on a fine grid: the mean of what the filter and the walls say.

    Their errors differ: the filter averages noise over a span, the walls do not mind neighbours of unlike uptake.
    """

    def __init__(self, z_mm: FloatArray, uptake: FloatArray) -> None:
        self._evidence = ValleyEvidence(z_mm, uptake, 0.5)
        self._scores: dict[int, FloatArray] = {}

    def place(self, at_mm: float, span_mm: float) -> float | None:
        """Middle (mm) of the valley next to ``at_mm`` between vertebrae of ``span_mm``; None where there is none."""
        z = self._evidence.z_mm
        middle = valley_middle(z, self._evidence.uptake, at_mm, span_mm)
        if middle is None:
            return None
        width = round(min(span_mm, NARROW_MM))
        if width not in self._scores:
            self._scores[width] = self._evidence.score(float(width))
        near = np.flatnonzero(np.abs(z - at_mm) <= REFINE_MM)
        return 0.5 * (middle + float(z[near[self._scores[width][near].argmax()]]))


def _crossing(z_mm: FloatArray, values: npt.NDArray[np.floating], outside: int, inwards: int, height: float) -> float:
    """Where the wall between a sample at or above ``height`` and the next one inwards crosses it."""
    high, low = float(values[outside]), float(values[outside + inwards])
    share = (high - height) / (high - low) if high > low else 0.0
    return float(z_mm[outside] + share * (z_mm[outside + inwards] - z_mm[outside]))
