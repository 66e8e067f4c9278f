"""The baseline the thesis compares with: predict the next boundary from the span, correct it by the valley observed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.anchors import lowest_level
from VertebraFLTLib.spine.boundaries import MIN_SPAN_MM, BoundarySet
from VertebraFLTLib.spine.detectors.protocol import NO_CLUES, Clues, Place, check_profile, finished_set
from VertebraFLTLib.spine.levels import order_up, span_of
from VertebraFLTLib.spine.profile import FloatArray, Profile
from VertebraFLTLib.spine.valleys import fine_profile, profile_noise
from VertebraFLTLib.spine.vertebrae import ADULT_L4_SPAN_MM

STEP_MM = 1.0
WINDOW = 0.45  # the valley is looked for within this share of a span around the prediction
SPAN_NOISE = 0.10  # process noise of a step, relative to the span
SCALE_NOISE_MM = 0.7  # process noise of the scale per step
LAST_PIECE = 0.35  # no boundary is predicted nearer to the column's top than this share of a span


class KalmanDetector:
    """State: position of the last boundary and the column's scale (L4's span), with their covariance (mm).

    Prediction: position + scale x relative span of the next vertebra. Observation: the lowest local minimum in a window
    around it, weighted by its depth against the noise. Where there is none the prediction stands, and its uncertainty
    grows. After Nguyen et al. as the thesis describes their method (chapters 1 and 5); they publish no constants.
    """

    name = "kalman"

    def detect(self, profile: Profile, clues: Clues = NO_CLUES) -> BoundarySet:
        """See :class:`~VertebraFLTLib.spine.detectors.protocol.Detector`."""
        anchor = lowest_level(profile, clues.lowest, clues.sacrum_top_z_mm)
        check_profile(profile)
        z, uptake = profile.column()
        fine_z, fine_uptake = fine_profile(z, uptake, STEP_MM)
        noise = max(profile_noise(uptake), 0.02 * float(uptake.mean()))
        order = order_up(13 if anchor.best == "T13" else 12)
        names = order[order.index(anchor.best) :]
        bottom, top = profile.extent_mm
        # A vertebra that is cut below shows anything between nothing and all of itself.
        whole = ADULT_L4_SPAN_MM * span_of(names[0])
        state = np.array([bottom - (whole / 2 if profile.cut[0] else 0.0), ADULT_L4_SPAN_MM])
        covariance = np.diag([(whole / 3) ** 2 if profile.cut[0] else 4.0, 5.0**2])
        found: list[Place] = []
        for name in names[:-1]:
            relative = span_of(name)
            step = np.array([[1.0, relative], [0.0, 1.0]])
            state = step @ state
            process = np.diag([(SPAN_NOISE * state[1] * relative) ** 2, SCALE_NOISE_MM**2])
            covariance = step @ covariance @ step.T + process
            span = state[1] * relative
            if state[0] > top - LAST_PIECE * span:
                break
            seen = _valley(fine_z, fine_uptake, state[0], max(WINDOW * span, np.sqrt(covariance[0, 0])))
            if seen is not None:
                place, depth = seen
                variance = (STEP_MM + 3.0 * noise / max(depth, 1e-9)) ** 2
                gain = covariance[:, 0] / (covariance[0, 0] + variance)
                state = state + gain * (place - state[0])
                covariance = covariance - np.outer(gain, covariance[0])
            state[1] = float(np.clip(state[1], 20.0, 50.0))
            state[0] = max(state[0], (found[-1].z_mm if found else bottom) + MIN_SPAN_MM)
            placed = Place(float(state[0]))
            if seen is None:
                placed = replace(placed, trust=0.4, reasons=("predicted, no valley observed",))
            found.append(placed)
        if not found:
            raise InputError("the column is too short for a boundary: check the mask, or place boundaries by hand")
        level = (1.0, anchor.reason) if anchor.given else (anchor.probability[anchor.best], anchor.reason)
        return finished_set(profile, names[: len(found) + 1], found, self.name, level)


def _valley(z: FloatArray, uptake: FloatArray, centre: float, reach: float) -> tuple[float, float] | None:
    """Position and depth (SUV, below the lower of the two shoulders) of the lowest local minimum within reach."""
    inside = np.flatnonzero(np.abs(z - centre) <= reach)
    inside = inside[(inside > 0) & (inside < len(z) - 1)]
    minima = inside[(uptake[inside] < uptake[inside - 1]) & (uptake[inside] <= uptake[inside + 1])]
    if len(minima) == 0:
        return None
    at = int(minima[uptake[minima].argmin()])
    around = np.abs(z - z[at]) <= reach
    lower, upper = uptake[around & (z < z[at])].max(), uptake[around & (z > z[at])].max()
    return float(z[at]), float(min(lower, upper) - uptake[at])
