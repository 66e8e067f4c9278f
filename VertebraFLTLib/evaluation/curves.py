"""TPR, FPR and Dice of a probability at every threshold, pooled over volumes (thesis figures 9 and 11)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from VertebraFLTLib.errors import InputError

STEPS = 256
_HALF = 128  # what a threshold of 0.5 is in units of 1/255, as segmentation.combine rounds it


def _none() -> np.ndarray:
    return np.zeros(STEPS, np.int64)


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """Two histograms of a uint8 probability (255 = 1), inside and outside of the truth: all that its curves need.

    Every property has 256 values, one a threshold of ``thresholds``; a voxel is found where ``probability >=
    threshold``. They are exact, and NaN where undefined (no voxel of the structure, or nothing but it). A curve does
    not change: ``add`` and ``+`` make a new one with the counts of both.
    """

    inside: np.ndarray = field(default_factory=_none)
    outside: np.ndarray = field(default_factory=_none)

    def add(self, probability: np.ndarray, truth: np.ndarray, scored: np.ndarray | None = None) -> ThresholdCurve:
        """The curve with one volume more.

        probability: uint8, 255 = 1; truth: boolean; scored: boolean, the voxels that count (all where None); of one
        shape. Raises InputError for other types and for shapes that differ.
        """
        _check(probability, "the probability", np.uint8, probability.shape)
        _check(truth, "the truth", np.bool_, probability.shape)
        if scored is not None:
            _check(scored, "the mask of scored voxels", np.bool_, probability.shape)
            probability, truth = probability[scored], truth[scored]
        every, inside = _histogram(probability), _histogram(probability[truth])
        return self + ThresholdCurve(inside, every - inside)

    def __add__(self, other: ThresholdCurve) -> ThresholdCurve:
        return ThresholdCurve(self.inside + other.inside, self.outside + other.outside)

    @property
    def thresholds(self) -> np.ndarray:
        """0 to 1 in steps of 1/255."""
        return np.arange(STEPS) / (STEPS - 1)

    @property
    def tpr(self) -> np.ndarray:
        """Sensitivity: the share of the structure that is found."""
        return _share(_at_least(self.inside), self.inside.sum())

    @property
    def fpr(self) -> np.ndarray:
        """The share of everything else that is found."""
        return _share(_at_least(self.outside), self.outside.sum())

    @property
    def dice(self) -> np.ndarray:
        """2 TP / (2 TP + FP + FN) of the pooled counts."""
        both = _at_least(self.inside)
        return _share(2 * both, both + _at_least(self.outside) + self.inside.sum())

    @property
    def auc(self) -> float:
        """Area under TPR over FPR by trapezia, from (0, 0) to (1, 1): how likely a voxel of the structure has a higher
        probability than one outside it, ties counted half (Hanley and McNeil 1982). NaN where either is missing.

        Nearly all voxels lie outside, most of them at 0: the value is close to 1 for any usable network (thesis 3.2.1).
        """
        tpr, fpr = (np.append(values, 0.0)[::-1] for values in (self.tpr, self.fpr))
        return float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))

    def best_threshold(self) -> float:
        """The threshold with the highest Dice; of several, the one nearest to 0.5.

        Raises InputError where no volume held the structure.
        """
        if not self.inside.sum():
            raise InputError("no volume of this curve holds the structure: it has no best threshold")
        dice = self.dice
        best = np.flatnonzero(dice == dice.max())
        return float(self.thresholds[best[np.argmin(np.abs(best - _HALF))]])

    def dice_at(self, threshold: float) -> float:
        """Dice at one threshold of 0 to 1, rounded to a step of 1/255 as the ensembles do."""
        return float(self.dice[round((STEPS - 1) * threshold)])


def _check(array: np.ndarray, name: str, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    if array.dtype != dtype:
        raise InputError(f"{name} holds {array.dtype}; {np.dtype(dtype)} is needed")
    if array.shape != shape:
        raise InputError(f"{name} has the shape {array.shape}, the probability {shape}; bring both to one grid")


def _histogram(values: np.ndarray) -> np.ndarray:
    """Counts of each value of 0 to 255; in pieces, because numpy widens what it counts to 8 bytes a voxel."""
    flat = values.reshape(-1)
    counts = _none()
    for start in range(0, flat.size, 1 << 22):
        counts += np.bincount(flat[start : start + (1 << 22)], minlength=STEPS)
    return counts


def _at_least(counts: np.ndarray) -> np.ndarray:
    """How many values are at or above each threshold."""
    return np.cumsum(counts[::-1])[::-1]


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    result = np.full(part.shape, np.nan)
    return np.divide(part, whole, out=result, where=np.broadcast_to(np.asarray(whole) > 0, part.shape))
