"""How deep a valley is, and how sure a boundary: from valley depth against noise, and span against expectation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from VertebraFLTLib.spine.levels import span_of
from VertebraFLTLib.spine.profile import FloatArray, Profile
from VertebraFLTLib.spine.vertebrae import l4_span_mm

REACH_MM = 35.0  # how far from a boundary its neighbouring peak may lie: a lumbar vertebra's height
SHALLOW = 0.06  # a valley of less than this share of its peaks is called shallow
NOISY = 2.0  # and so is one of less than this many standard deviations of the profile's noise


@dataclass(frozen=True)
class Evidence:
    """What speaks for one boundary: ``depth_suv``, ``confidence`` (0 to 1) and ``reasons`` why it is not higher."""

    depth_suv: float
    confidence: float
    reasons: tuple[str, ...]


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


def judge(names: Sequence[str], z_boundaries: Sequence[float], profile: Profile) -> list[Evidence]:
    """Evidence for each boundary of a column whose vertebrae are called ``names`` (one more than boundaries).

    Depth below the lower of the two neighbouring peaks counts, relative to them (a disc in proliferating marrow is some
    15 to 60 % below) and to the profile's noise; the spans on both sides count against what this
    column's scale makes one expect.
    """
    if len(z_boundaries) == 0:
        return []
    depths, prominences, peaks = valley_depths(z_boundaries, profile)
    noise = profile_noise(profile.column()[1])
    scale = l4_span_mm(names, z_boundaries)
    ratios = np.diff(np.asarray(z_boundaries, dtype=np.float64)) / [scale * span_of(n) for n in names[1:-1]]
    found = []
    for i, (depth, prominence, peak) in enumerate(zip(depths, prominences, peaks, strict=True)):
        relative = prominence / peak if peak > 0 else 0.0
        in_noise = prominence / noise if noise > 0 else np.inf
        reasons = []
        if prominence <= 0:
            reasons.append("no valley")
        elif relative < SHALLOW or in_noise < NOISY:
            reasons.append("shallow valley")
        trust = _rise(relative, 0.5 * SHALLOW, 3 * SHALLOW) * _rise(in_noise, 0.5 * NOISY, 2 * NOISY)
        around = [(names[j + 1], float(ratios[j])) for j in (i - 1, i) if 0 <= j < len(ratios)]
        for name, ratio in around:
            if ratio > 1.4 or ratio < 1 / 1.4:
                reasons.append(f"span of {name} {ratio:.1f}x expected")
            trust *= float(np.exp(-0.5 * (np.log(max(ratio, 0.05)) / 0.35) ** 2))
        found.append(Evidence(float(depth), float(np.clip(0.05 + 0.93 * trust, 0.0, 0.98)), tuple(reasons)))
    return found


def _rise(value: float, low: float, high: float) -> float:
    """0 up to ``low``, 1 from ``high`` on, a smooth step between."""
    t = float(np.clip((value - low) / (high - low), 0.0, 1.0))
    return t * t * (3 - 2 * t)
