"""How well a row of level names agrees with the ribs that the CT shows, and what the ribs say in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from VertebraFLTLib.spine.anchors import USUAL_COUNTS
from VertebraFLTLib.spine.levels import span_of, thoracic_number
from VertebraFLTLib.spine.profile import FloatArray
from VertebraFLTLib.spine.rib_stripes import Ribs, Stripe
from VertebraFLTLib.spine.vertebrae import l4_span_mm

# Where a stripe starts, 30 mm beside the column's middle, above the middle of its vertebra (in vertebrae). The last rib
# falls steeply; the more ribs there are below one, the higher kyphosis lifts it, up to one of these by the tenth.
LAST_RIB_START, RIB_START, FIRST_LUMBAR_START, LUMBAR_START = -0.28, 0.0, -0.15, 0.05
LIFTS = (0.2, 0.6, 1.0, 1.4)
SPREAD = 0.25
# Chance of a reach below 40, 47, 55, 65, 80 mm, and of more.
REACHES_MM = (40.0, 47.0, 55.0, 65.0, 80.0)
RIB_REACH = (0.02, 0.02, 0.03, 0.05, 0.08, 0.80)
FIRST_LUMBAR_REACH = (0.62, 0.28, 0.06, 0.02, 0.01, 0.01)
LUMBAR_REACH = (0.25, 0.50, 0.18, 0.04, 0.01, 0.02)
# The last pair of ribs is alike on both sides: rudimentary (hypoplastic in 12.6 % of 551 whole-spine CT, Skeletal
# Radiology 2025, doi 10.1007/s00256-025-04952-z), short, or as long as others; share, start and reach.
LAST_RIBS = (
    (0.11, FIRST_LUMBAR_START, FIRST_LUMBAR_REACH),
    (0.60, LAST_RIB_START, (0.02, 0.05, 0.20, 0.35, 0.33, 0.05)),
    (0.29, LAST_RIB_START, (0.01, 0.01, 0.03, 0.05, 0.20, 0.70)),
)
# Chance that none is found where one is.
UNSEEN_RIB, UNSEEN_LAST_RIB, UNSEEN_UPPER_RIB, UNSEEN_PROCESS = 0.05, 0.10, 0.3, 0.35
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
    How far kyphosis lifts the upper ribs, and of what kind the last pair is, is left to each patient.
    """
    stripes = _within(ribs, *extent_mm)
    at = np.interp([s.z_mm for s in stripes], *_rising(_middles(names, z_boundaries)))
    offset = at[:, None] - np.arange(len(names))
    side, reach = np.array([s.side for s in stripes]), np.array([s.reach_mm for s in stripes])
    expected = [_expected(name, thoracic) for name in names]
    start, rank, chances, unseen = (np.array(column) for column in zip(*expected, strict=True))
    bins = np.searchsorted(REACHES_MM, reach, side="right")
    last = np.array([name == f"T{thoracic}" for name in names])
    neck = np.where(np.abs(offset) <= 0.5, _beside_neck(names, reach), 0.0)
    cervical = np.array([name[0] == "C" for name in names])
    totals = np.empty((len(LIFTS), len(LAST_RIBS)))
    for (i, lift), (j, (share, last_start, last_reach)) in product(enumerate(LIFTS), enumerate(LAST_RIBS)):
        expected_at = np.where(last, last_start, start + lift * rank)
        place = np.exp(-0.5 * ((offset - expected_at) / SPREAD) ** 2) / (SPREAD * math.sqrt(2 * math.pi))
        by_reach = np.where(last[:, None], last_reach, chances)[:, bins].T
        density = np.where(cervical, neck, place * by_reach)
        total = float(np.log(np.maximum(density.max(axis=1), CLUTTER)).sum())
        for one in np.unique(side):
            mine = density[side == one]
            explained = np.unique(mine.argmax(axis=1)[mine.max(axis=1) > CLUTTER])
            total += float(np.log(np.delete(unseen, explained)).sum())
        totals[i, j] = WEIGHT * total + math.log(share)
    return float(np.logaddexp.reduce(totals, axis=1).max())


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
    unusual = "" if thoracic == USUAL_COUNTS[0] else f": {thoracic} thoracic vertebrae"
    return f"ribs end at {last}{unusual}", at


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


def _beside_neck(names: Sequence[str], reach_mm: FloatArray) -> FloatArray:
    """(stripes, vertebrae): density of a stripe where the vertebra is a cervical one."""
    far = np.array([SHOULDERS if name in ("C6", "C7") else NECK for name in names])
    return np.where(reach_mm[:, None] < REACHES_MM[1], NECK_PROCESS, far)


def _expected(name: str, thoracic: int) -> tuple[float, float, tuple[float, ...], float]:
    """Start of the stripe, share of the lift, chance of each reach, and chance that it is not found."""
    if name[0] == "C":
        return 0.0, 0.0, RIB_REACH, 1.0  # the neck has its own densities
    if name[0] == "L":
        first = name == "L1"
        start, reach = (FIRST_LUMBAR_START, FIRST_LUMBAR_REACH) if first else (LUMBAR_START, LUMBAR_REACH)
        return start, 0.0, reach, UNSEEN_PROCESS
    number = thoracic_number(name)
    if number == thoracic:
        return LAST_RIB_START, 0.0, RIB_REACH, UNSEEN_LAST_RIB  # and its reach is one of LAST_RIBS
    rank = min((thoracic - number - 1) / 9, 1.0)
    return RIB_START, rank, RIB_REACH, UNSEEN_UPPER_RIB if number <= 2 else UNSEEN_RIB
