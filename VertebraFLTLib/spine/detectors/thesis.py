"""The thesis's detector (5.1.3), step by step: two valleys give the span of L4, then one window after the other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.anchors import LowestLevel, lowest_level
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.detectors.protocol import NO_CLUES, Clues, Place, check_profile, finished_set
from VertebraFLTLib.spine.levels import order_up
from VertebraFLTLib.spine.profile import Profile

MIN_PEAK_DISTANCE_MM = 20.0
"""The thesis's "5", in slices of 4 mm."""

HIGHEST = "T1"  # the thesis stops at its upper end


def find_peaks_matlab(signal: npt.NDArray[np.floating], min_distance: int) -> list[int]:
    """Indices of the peaks that MATLAB's ``findpeaks(signal, 'MinPeakDistance', min_distance)`` returns, ascending.

    A peak is higher than both neighbours, a flat one counts at its first sample, the two ends never are peaks. From the
    highest down (the first of equal ones first) each peak removes all others within ``min_distance`` samples of it,
    that distance included.
    """
    values = np.asarray(signal, dtype=np.float64)
    steps = np.flatnonzero(np.diff(values) != 0) + 1
    firsts = np.concatenate([[0], steps])  # the first sample of every flat run
    rising = np.diff(values[firsts]) > 0
    peaks = firsts[1:-1][rising[:-1] & ~rising[1:]]
    kept: list[int] = []
    for peak in peaks[np.argsort(-values[peaks], kind="stable")]:
        if all(abs(int(peak) - other) > min_distance for other in kept):
            kept.append(int(peak))
    return sorted(kept)


def span_factor(level: str) -> float:
    """Width of the search window for a vertebra's upper boundary relative to L4's span, as the thesis steps it."""
    order = order_up(13)
    for highest, factor in (("T12", 1.0), ("T7", 4 / 5), ("T4", 3 / 4)):
        if order.index(level) <= order.index(highest):
            return factor
    return 3 / 5


class ThesisDetector:
    """The published method, on whole slices.

    The minimum peak distance of 5 slices stands for 20 mm: it is the nearest whole number of slices to 20 mm. L5 is the
    lowest vertebra unless ``lowest`` names another; its bottom is the first slice of the column. For another lowest
    vertebra the windows step at the same levels, relative to the second vertebra's span.

    ``exact_window``: keep to the printed search window even where its lowest slice is no valley but lies on a slope, at
    its end or its beginning, and uptake falls on beyond it. The window is as long as L4 in whole slices; where L3 spans
    a little more, the printed rule takes a point on the slope for the boundary, finds the same valley again next, and
    every further name is off by one. That befalls about one simulated patient in six, and none of the 22 published
    ones. So by default the fall is followed to its foot, at most a third of the window further, and the boundary's
    reasons say so. Nothing else departs from the text.
    """

    name = "thesis"

    def __init__(self, exact_window: bool = False) -> None:
        self.exact_window = exact_window

    def detect(self, profile: Profile, clues: Clues = NO_CLUES) -> BoundarySet:
        """See :class:`~VertebraFLTLib.spine.detectors.protocol.Detector`. Stops at T1/C7, or where the column ends."""
        anchor = lowest_level(profile, clues.lowest, clues.sacrum_top_z_mm)
        check_profile(profile)
        z, uptake = profile.column()
        distance = max(1, round(MIN_PEAK_DISTANCE_MM / profile.spacing_mm))
        order = order_up(13 if anchor.given and anchor.best == "T13" else 12)
        start = order.index(anchor.best if anchor.given else "L5")
        names = order[start:]
        found, beyond = _first_two(uptake, distance), set[int]()
        if not found:
            raise InputError(
                "the uptake profile has no valley between two vertebrae: --detector thesis cannot start; "
                "use --detector span-prior, or place boundaries by hand"
            )
        if len(found) == 2 and len(names) > 2:
            found, beyond = _follow(uptake, found, names, self.exact_window)
        found = found[: len(names) - 1]
        places = [Place(float(z[at])) for at in found]
        for i, at in enumerate(found):
            if at in beyond:
                places[i] = replace(places[i], trust=0.8, reasons=("valley just beyond the search window",))
        if len(found) == 1:
            places = [replace(places[0], trust=0.3, reasons=("only one valley found",))]
        level = _level_confidence(anchor)
        return finished_set(profile, names[: len(found) + 1], places, self.name, level)


def _first_two(uptake: npt.NDArray[np.floating], distance: int) -> list[int]:
    """Steps 1 and 2: the first two valleys from below."""
    return find_peaks_matlab(-uptake, distance)[:2]


def _follow(
    uptake: npt.NDArray[np.floating], found: list[int], names: tuple[str, ...], exact_window: bool
) -> tuple[list[int], set[int]]:
    """Step 3: from each boundary to the minimum of the next window, until T1 is bounded or the column ends.

    ``names`` are the vertebrae from the lowest up; the two valleys in ``found`` bound ``names[1]``, whose span is the
    prior x. Returns all boundaries, and those for which a fall was followed beyond the window.
    """
    found, beyond = list(found), set[int]()
    prior = found[1] - found[0]
    for level in names[2:-1]:
        if span_factor(names[1]) == 1.0:
            x = math.ceil(round(span_factor(level) * prior, 9))
        else:
            x = math.ceil(round(span_factor(level) / span_factor(names[1]) * prior, 9))
        low, high = found[-1] + x // 3, min(found[-1] + x, len(uptake) - 1)
        if high < low:
            break
        at = low + int(np.argmin(uptake[low : high + 1]))
        if not exact_window and (at == high or uptake[at - 1] < uptake[at]):  # a slope, or the window's end
            at = max(at, _foot(uptake, high, x // 3, otherwise=at))
        if at >= len(uptake) - 1:  # the column's end, not a valley before it
            break
        if at > high:
            beyond.add(at)
        found.append(at)
        if level == HIGHEST:
            break
    return found, beyond


def _foot(uptake: npt.NDArray[np.floating], high: int, reach: int, otherwise: int) -> int:
    """Where uptake stops falling, going up from slice ``high`` by at most ``reach`` slices (else ``otherwise``)."""
    foot = high
    while foot < len(uptake) - 1 and uptake[foot + 1] < uptake[foot]:
        foot += 1
    return foot if high < foot and (foot - high <= reach or foot == len(uptake) - 1) else otherwise


def _level_confidence(anchor: LowestLevel) -> tuple[float, str]:
    if anchor.given:
        return 1.0, anchor.reason
    chance = anchor.probability.get("L5", 0.0)
    return chance, f"this detector takes the lowest vertebra for L5; {anchor.reason}"
