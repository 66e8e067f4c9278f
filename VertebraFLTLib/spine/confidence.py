"""How deep a valley is, and how sure a boundary: a calibrated probability, and in words what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from VertebraFLTLib.spine.calibration import BOUNDARY, INTERCEPT, Weights
from VertebraFLTLib.spine.levels import span_of
from VertebraFLTLib.spine.profile import FloatArray, Profile
from VertebraFLTLib.spine.vertebrae import l4_span_mm

REACH_MM = 35.0  # how far from a boundary its neighbouring peak may lie: a lumbar vertebra's height
SHALLOW = 0.06  # a valley of less than this share of its peaks is called shallow
BY_CHANCE = 2.5  # and so is one of less than this many standard deviations of the noise: chance digs that deep
TYPICAL = 0.15  # valleys of a column that shows its vertebrae are deeper than this
ODD_SPAN = 1.4  # a span is called odd when it is that many times longer or shorter than expected
HETEROGENEITY = 0.025  # uptake differs by this share within a vertebra, noise or not
MOST = 0.98  # no condition that the simulations lack is taken for impossible


@dataclass(frozen=True)
class Evidence:
    """What speaks for one boundary: ``depth_suv``, ``confidence`` (0 to 1) and ``reasons`` why it is not higher."""

    depth_suv: float
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Signs:
    """What the confidence of each boundary rests on; arrays of one length, from the lowest boundary up.

    ``depth``: valley below the mean of its two peaks (SUV); ``prominence``: below the lower one, as a share of their
    mean; ``noise``: the profile's noise, likewise; ``spans``: (n, 2) the spans below and above relative to what the
    column's scale makes one expect, NaN at its ends; ``ct``: the CT's evidence (standard deviations); ``unseen``: spans
    alone placed it, neither PET nor CT showed it.
    """

    depth: FloatArray
    prominence: FloatArray
    noise: FloatArray
    spans: FloatArray
    ct: FloatArray
    unseen: npt.NDArray[np.bool_]
    spacing_mm: float

    @property
    def features(self) -> FloatArray:
        """(n, 8), in the order of ``calibration.BOUNDARY``; the last two are the whole column's, alike in all rows."""
        depth = np.clip(self.prominence - BY_CHANCE * self.noise, 0.0, 0.5)
        misfit = np.abs(np.log(np.clip(self.spans, 0.05, 20.0)))
        misfit = np.where(np.isnan(misfit), 0.0, np.minimum(misfit, 1.0))
        return np.column_stack(
            [
                depth,
                self.ct / 6.0,
                self.unseen.astype(np.float64),
                misfit.max(axis=1),
                misfit.min(axis=1),
                np.full(len(depth), np.log(self.spacing_mm / 4.0)),
                np.full(len(depth), np.median(np.minimum(depth, TYPICAL))),
                np.full(len(depth), self.unseen.mean()),
            ]
        )


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


def signs(
    names: Sequence[str],
    z_boundaries: Sequence[float],
    profile: Profile,
    ct: Sequence[float] | None = None,
    unseen: Sequence[bool] | None = None,
) -> Signs:
    """What speaks for each boundary of a column whose vertebrae are called ``names`` (one more than boundaries)."""
    depths, prominences, peaks = valley_depths(z_boundaries, profile)
    noise = profile_noise(profile.column()[1])
    scale = l4_span_mm(names, z_boundaries)
    ratios = np.diff(np.asarray(z_boundaries, dtype=np.float64)) / [scale * span_of(n) for n in names[1:-1]]
    level = np.maximum(peaks, 1e-12)
    return Signs(
        depths,
        np.where(peaks > 0, prominences / level, 0.0),
        noise / level,
        np.column_stack([np.append(np.nan, ratios), np.append(ratios, np.nan)]),
        np.zeros(len(depths)) if ct is None else np.asarray(ct, dtype=np.float64),
        np.zeros(len(depths), bool) if unseen is None else np.asarray(unseen, dtype=bool),
        profile.spacing_mm,
    )


def judge(
    names: Sequence[str],
    z_boundaries: Sequence[float],
    profile: Profile,
    ct: Sequence[float] | None = None,
    unseen: Sequence[bool] | None = None,
) -> list[Evidence]:
    """Evidence for each boundary: probability that it lies within one PET slice, calibrated by simulation.

    ``ct``: the CT's evidence at each boundary, in standard deviations, where it was asked; ``unseen``: which ones spans
    alone have placed. Weights and their origin:
    :mod:`VertebraFLTLib.spine.calibration`.
    """
    if len(z_boundaries) == 0:
        return []
    found = signs(names, z_boundaries, profile, ct, unseen)
    chance = logistic(found.features, BOUNDARY)
    return [
        Evidence(float(found.depth[i]), float(chance[i]), _reasons(names, i, found)) for i in range(len(found.depth))
    ]


def logistic(features: FloatArray, weights: Weights) -> FloatArray:
    """Probability for each row of features; ``weights`` by name, in the columns' order, the intercept first."""
    slope = np.array([value for name, value in weights.items() if name != INTERCEPT])
    return np.asarray(np.clip(1 / (1 + np.exp(-(weights[INTERCEPT] + features @ slope))), 0.0, MOST))


def _reasons(names: Sequence[str], i: int, found: Signs) -> tuple[str, ...]:
    reasons = []
    if found.prominence[i] <= 0:
        reasons.append("no valley")
    elif found.prominence[i] < max(SHALLOW, BY_CHANCE * found.noise[i]):
        reasons.append("shallow valley")
    for name, ratio in zip((names[i], names[i + 1]), found.spans[i], strict=True):
        if ratio > ODD_SPAN or ratio < 1 / ODD_SPAN:
            reasons.append(f"span of {name} {ratio:.1f}x expected")
    return tuple(reasons)
