"""How sure a boundary is: a calibrated probability, and in words what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.spine.calibration import BOUNDARY, INTERCEPT, Weights
from VertebraFLTLib.spine.profile import FloatArray
from VertebraFLTLib.spine.signs import BY_CHANCE, Signs

SHALLOW = 0.06  # a valley of less than this share of its peaks, or one that chance digs, is called shallow
ODD_SPAN = 1.4  # a span is called odd when it is that many times longer or shorter than expected
MOST = 0.98  # no condition that the simulations lack is taken for impossible
MOST_BY_DENSITY = 0.85  # on real CT eight in ten of what density alone places are right, and no sign tells which


@dataclass(frozen=True)
class Evidence:
    """What speaks for one boundary: ``depth_suv``, ``confidence`` (0 to 1) and ``reasons`` why it is not higher."""

    depth_suv: float
    confidence: float
    reasons: tuple[str, ...]


def judge(found: Signs) -> list[Evidence]:
    """Evidence for each boundary: probability that it lies within one PET slice, and what speaks against it.

    There is one calibration for each of what may place it (PET, CT, spans alone): weights and their origin in
    :mod:`VertebraFLTLib.spine.calibration`.
    """
    if not found.places:
        return []
    chance = chances(found)
    return [Evidence(float(found.depth[i]), float(chance[i]), _reasons(i, found)) for i in range(len(found.places))]


def chances(found: Signs, calibrations: Mapping[str, Weights] = BOUNDARY) -> FloatArray:
    """Probability that each lies within one PET slice."""
    features = found.features
    by = np.array(found.placed_by)
    chance = np.empty(len(by))
    for kind in np.unique(by):
        weights = calibrations[str(kind)]
        table = np.column_stack([features[name] for name in weights if name != INTERCEPT])
        chance[by == kind] = logistic(table[by == kind], weights)
    return np.where(by == "density", np.minimum(chance, MOST_BY_DENSITY), chance)


def logistic(features: FloatArray, weights: Weights) -> FloatArray:
    """Probability for each row of features; ``weights`` by name, in the columns' order, the intercept first."""
    slope = np.array([value for name, value in weights.items() if name != INTERCEPT])
    return np.asarray(np.clip(1 / (1 + np.exp(-(weights[INTERCEPT] + features @ slope))), 0.0, MOST))


def _reasons(i: int, found: Signs) -> tuple[str, ...]:
    reasons = []
    by_ct = found.places[i].source == "ct"  # what kept the PET from placing it, the detector says
    if found.prominence[i] <= 0 and not by_ct:
        reasons.append("no valley")
    elif found.prominence[i] < max(SHALLOW, BY_CHANCE * found.noise[i]) and not by_ct:
        reasons.append("shallow valley")
    for name, ratio in zip(found.names[i : i + 2], found.spans[i], strict=True):
        if ratio > ODD_SPAN or ratio < 1 / ODD_SPAN:
            reasons.append(f"span of {name} {ratio:.1f}x expected")
    return tuple(reasons)
