"""How well a row of level names agrees with the ribs that the CT shows, and what the ribs say in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from VertebraFLTLib.spine.anchors import USUAL_COUNTS
from VertebraFLTLib.spine.levels import span_of, thoracic_number
from VertebraFLTLib.spine.profile import FloatArray
from VertebraFLTLib.spine.rib_stripes import Ribs, Stripe
from VertebraFLTLib.spine.vertebrae import l4_span_mm

# Where a stripe starts, 30 mm beside the column's middle, above the middle of its vertebra, in vertebrae, by the number
# of ribs below it: the last rib falls steeply, and kyphosis lifts what lies behind the upper bodies.
RIB_START = (-0.28, 0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8)
PROCESS_START = (-0.15, 0.05)  # of the first lumbar vertebra, and of those below it
SPREAD, SPREAD_ABOVE = 0.25, 0.45  # of the lowest four ribs and the processes; of the ribs above them
# Chance of a reach below 40, 47, 55, 65, 80 mm, and of more.
REACHES_MM = (40.0, 47.0, 55.0, 65.0, 80.0)
RIB_REACH = (0.02, 0.02, 0.03, 0.05, 0.08, 0.80)
LAST_RIB_REACH = (0.06, 0.04, 0.15, 0.25, 0.30, 0.20)  # one in ten is no longer than a process
FIRST_LUMBAR_REACH = (0.78, 0.14, 0.04, 0.02, 0.01, 0.01)
LUMBAR_REACH = (0.38, 0.37, 0.17, 0.04, 0.02, 0.02)
UNSEEN_RIB, UNSEEN_LAST_RIB, UNSEEN_UPPER_RIB, UNSEEN_PROCESS = (
    0.05,
    0.10,
    0.3,
    0.35,
)  # chance that none is found where one is
CLUTTER = 0.01  # density of a stripe that belongs to no vertebra: hip bones, contrast medium, metal
# Likewise beside cervical vertebrae: processes; collar bones, shoulder blades and the first rib beside C6 and C7.
NECK_PROCESS, SHOULDERS, NECK = 0.6, 0.6, 0.05
WEIGHT = 0.6  # left and right ribs of one patient tell much the same
LONG_MM = 55.0  # a stripe of this reach is a rib of some 38 mm or more, shorter ones may be processes
LEAST_RIBS = 2  # levels with long stripes; fewer are no evidence


def in_view(ribs: Ribs | None, low_mm: float, high_mm: float) -> bool:
    """Whether between two heights there are ribs to count by: of two vertebrae at least."""
    if ribs is None:
        return False
    by_side = [
        sum(s.side == side and s.reach_mm >= LONG_MM for s in _within(ribs, low_mm, high_mm)) for side in (-1, 1)
    ]
    return max(by_side) >= LEAST_RIBS


def log_likelihood(
    ribs: Ribs, names: Sequence[str], z_boundaries: Sequence[float], thoracic: int, extent_mm: tuple[float, float]
) -> float:
    """Of the stripes, if the vertebrae between these boundaries were called ``names`` (from the lowest up).

    ``thoracic``: number of thoracic vertebrae that the naming counts, in view or not. Each stripe is explained by the
    process or rib that fits best, or as clutter; processes and ribs without a stripe cost what it is to overlook one.
    """
    stripes = _within(ribs, *extent_mm)
    middles = _middles(names, z_boundaries)
    at = np.interp([s.z_mm for s in stripes], *_rising(middles))
    total = 0.0
    for side in {s.side for s in ribs.stripes}:
        mine = [(float(u), s) for u, s in zip(at, stripes, strict=True) if s.side == side]
        explained = set[int]()
        for u, stripe in mine:
            scores = [_density(u - i, stripe, name, thoracic) for i, name in enumerate(names)]
            best = int(np.argmax(scores))
            if scores[best] > CLUTTER:
                explained.add(best)
            total += math.log(max(scores[best], CLUTTER))
        total += sum(math.log(_unseen(name, thoracic)) for i, name in enumerate(names) if i not in explained)
    return WEIGHT * total


def words(ribs: Ribs | None, names: Sequence[str], thoracic: int) -> tuple[str, int | None]:
    """What the ribs say of these names, and the index of the lowest vertebra with ribs where they tell it.

    ``ribs``: None where too few are in view to count by.
    """
    if ribs is None:
        return "no ribs in view to count by", None
    last = f"T{thoracic}"
    if last not in names or names.index(last) == 0:
        return f"ribs are in view, but not where they end below {last}", None
    at = names.index(last)
    said = f"ribs end at {last}"
    if thoracic != USUAL_COUNTS[0]:
        said += f": {thoracic} thoracic vertebrae"
    return said, at


def _within(ribs: Ribs, low_mm: float, high_mm: float) -> list[Stripe]:
    return [s for s in ribs.stripes if low_mm <= s.z_mm <= high_mm]


def _middles(names: Sequence[str], z_boundaries: Sequence[float]) -> FloatArray:
    """Heights of the vertebrae's middles; those at the ends have their expected spans."""
    z = np.asarray(z_boundaries, dtype=np.float64)
    scale = l4_span_mm(names, z_boundaries)
    ends = z[0] - scale * span_of(names[0]), z[-1] + scale * span_of(names[-1])
    fences = np.concatenate([[ends[0]], z, [ends[1]]])
    return np.asarray((fences[:-1] + fences[1:]) / 2)


def _rising(middles: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Heights and vertebra numbers to interpolate between, with one more vertebra at either end."""
    ends = 2 * middles[0] - middles[1], 2 * middles[-1] - middles[-2]
    return np.concatenate([[ends[0]], middles, [ends[1]]]), np.arange(-1.0, len(middles) + 1)


def _density(offset: float, stripe: Stripe, name: str, thoracic: int) -> float:
    if name[0] == "C":
        if abs(offset) > 0.5:
            return 0.0
        return NECK_PROCESS if stripe.reach_mm < REACHES_MM[1] else SHOULDERS if name in ("C6", "C7") else NECK
    start, spread, chances = _expected(name, thoracic)
    place = math.exp(-0.5 * ((offset - start) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
    return place * chances[int(np.searchsorted(REACHES_MM, stripe.reach_mm, side="right"))]


def _expected(name: str, thoracic: int) -> tuple[float, float, tuple[float, ...]]:
    if name == "L1":
        return PROCESS_START[0], SPREAD, FIRST_LUMBAR_REACH
    if name[0] == "L":
        return PROCESS_START[1], SPREAD, LUMBAR_REACH
    below = thoracic - thoracic_number(name)
    spread = SPREAD if below < 4 else SPREAD_ABOVE
    return RIB_START[below], spread, LAST_RIB_REACH if below == 0 else RIB_REACH


def _unseen(name: str, thoracic: int) -> float:
    if name[0] == "C":
        return 1.0
    if name in ("T1", "T2"):
        return UNSEEN_UPPER_RIB
    if name[0] == "L":
        return UNSEEN_PROCESS
    return UNSEEN_LAST_RIB if thoracic_number(name) == thoracic else UNSEEN_RIB
