"""What a detector's boundaries are worth against true disc centres: errors, missed and extra ones, names, certainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.spine.boundaries import BoundarySet

REGIONS = ("lumbar", "thoracic", "cervical")
SURE = 0.9
EDGE_MM = 8.0  # a true boundary nearer than this to the end of the column in view may be missed, or found
REACH = 0.5  # a boundary found within this share of the smaller neighbouring span belongs to the true one


@dataclass(frozen=True)
class Score:
    """One detector on one case. Arrays go over the true boundaries in view; ``nan`` errors are missed ones.

    ``confidence``: of the boundary that was found; ``named``: whether it carries the true names; ``extra``: confidence
    of each boundary found where there is none. ``raised``: the detector gave up with this message.
    """

    region: np.ndarray  # index into REGIONS
    error_mm: np.ndarray
    confidence: np.ndarray
    named: np.ndarray
    extra: np.ndarray
    spacing_mm: float
    level_confidence: float
    raised: str = ""

    @property
    def names_right(self) -> bool:
        """Every boundary found carries its true names."""
        return bool(self.named[np.isfinite(self.error_mm)].all())

    @property
    def slices(self) -> np.ndarray:
        """Errors in PET slices."""
        return self.error_mm / self.spacing_mm


def score(
    truth: Sequence[tuple[str, str, float]],
    extent_mm: tuple[float, float],
    found: BoundarySet,
    spacing_mm: float,
    uncertain: str = "",
) -> Score:
    """Match by place, one to one, nearest first; names are judged afterwards.

    The borders of a vertebra whose truth is ``uncertain`` are neither asked for nor extra, and so are those at the very
    ends and that of C1 and C2, which have no disc between them.
    """
    z = np.array([one[2] for one in truth])
    spans = np.diff(z)
    reach = REACH * np.minimum(np.append(spans, np.inf), np.insert(spans, 0, np.inf))
    got = np.array([b.z_mm for b in found.boundaries])
    partner = _matched(z, got, reach)
    asked = (z > extent_mm[0] + EDGE_MM) & (z < extent_mm[1] - EDGE_MM)
    asked &= np.array([above != "C1" and uncertain not in (below, above) for below, above, _ in truth])
    index = np.flatnonzero(asked)
    to = partner[index]
    hit = to >= 0
    sure = np.array([b.confidence for b in found.boundaries])
    pairs = [(b.below, b.above) for b in found.boundaries]
    inside = (got > extent_mm[0] + EDGE_MM) & (got < extent_mm[1] - EDGE_MM)
    return Score(
        region=np.array([REGIONS.index(LEVEL_BY_NAME[truth[i][0]].region) for i in index], dtype=int),
        error_mm=np.where(hit, got[to] - z[index], np.nan),
        confidence=np.where(hit, sure[to], np.nan),
        named=np.array([t >= 0 and pairs[t] == truth[i][:2] for i, t in zip(index, to, strict=True)], dtype=bool),
        extra=sure[[j for j in range(len(got)) if inside[j] and pairs[j][1] != "C1" and j not in partner]],
        spacing_mm=spacing_mm,
        level_confidence=found.level_confidence,
    )


def gave_up(
    truth: Sequence[tuple[str, str, float]], extent_mm: tuple[float, float], spacing_mm: float, why: str
) -> Score:
    """The score of a detector that raised an error: everything is missed."""
    inside = [t for t in truth if extent_mm[0] + EDGE_MM < t[2] < extent_mm[1] - EDGE_MM and t[1] != "C1"]
    nothing = np.full(len(inside), np.nan)
    region = np.array([REGIONS.index(LEVEL_BY_NAME[t[0]].region) for t in inside], dtype=int)
    named = np.zeros(len(inside), bool)
    return Score(region, nothing, nothing, named, np.zeros(0), spacing_mm, 0.0, raised=why)


def _matched(z: np.ndarray, got: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """For each true boundary the index of the one found there, -1 where there is none."""
    partner = np.full(len(z), -1)
    if len(got) == 0 or len(z) == 0:
        return partner
    distance = np.abs(z[:, None] - got[None])
    distance[distance > reach[:, None]] = np.inf
    while np.isfinite(distance).any():
        i, j = np.unravel_index(int(distance.argmin()), distance.shape)
        partner[i] = j
        distance[i], distance[:, j] = np.inf, np.inf
    return partner
