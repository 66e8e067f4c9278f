"""Where the count of vertebrae may be off by one: a span that may hide a boundary, two that may be one vertebra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from VertebraFLTLib.spine.levels import span_of
from VertebraFLTLib.spine.profile import FloatArray

SPREAD = 0.10  # of a span (log) around what its neighbours make one expect
RARE = 2.0  # log odds against a boundary passed over, or one too many, before spans are looked at
BROKEN = 4.0  # a short span alone costs no more than this: compression fractures exist
NEIGHBOURS = 3  # on either side, whose median is what is expected
DOUBTFUL = 0.1  # from this probability on it is worth a word


def miscounts(names: Sequence[str], z_boundaries: Sequence[float], bottom_mm: float | None = None) -> FloatArray:
    """Probability for each vertebra that one was miscounted in it, or in it and the next one above.

    ``names``: vertebrae from the lowest up, one more than ``z_boundaries`` (mm); ``bottom_mm``: lower end of the lowest
    vertebra where it is whole. A vertebra of 1.5 times its expected span is more likely two, two of half of it one. End
    pieces of unknown length have probability 0. Spans are compared with typical ones (``anatomy.LEVELS``) on the scale
    of their neighbours.
    """
    fences = np.array([*([] if bottom_mm is None else [bottom_mm]), *z_boundaries], dtype=np.float64)
    first = 0 if bottom_mm is not None else 1
    chance = np.zeros(len(names))
    if len(fences) < 4:
        return chance
    ratio = np.diff(fences) / [span_of(name) for name in names[first : first + len(fences) - 1]]
    windows = (ratio[max(i - NEIGHBOURS, 0) : i + NEIGHBOURS + 1] for i in range(len(ratio)))
    ratio = ratio / [float(np.median(window)) for window in windows]
    alone = _cost(ratio)
    passed_over = _logistic(alone - 2 * _cost(ratio / 2) - RARE)
    short = np.minimum(alone, BROKEN)
    one_too_many = _logistic(short[:-1] + short[1:] - _cost(ratio[:-1] + ratio[1:]) - RARE)
    inner = chance[first : first + len(ratio)]
    inner[:] = passed_over
    inner[:-1] = np.maximum(inner[:-1], one_too_many)
    return chance


def _cost(ratio: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (np.log(np.maximum(ratio, 1e-3)) / SPREAD) ** 2)


def _logistic(x: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))))
