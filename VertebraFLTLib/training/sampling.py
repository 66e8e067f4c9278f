"""What every patch sampler shares: batches that depend on nothing but seed and step, and windows into an array."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from VertebraFLTLib.training.cases import TrainingCase


class Sampler(Protocol):
    """Gives training batches. The same step gives the same batch in every process and after every restart: that is
    what makes a resumed run the run it would have been."""

    def batch(self, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (n, channels, *space) float32 in -1..1 and labels (n, *space) int64, 255 where not scored."""
        ...


def generator(seed: int, step: int, index: int) -> np.random.Generator:
    """The random numbers of one patch of one step."""
    return np.random.default_rng([seed, step, index])


def case_weights(cases: list[TrainingCase], phantom_share: float, sizes: list[int] | None = None) -> np.ndarray:
    """How often each case is drawn: by the root of its size (without sizes all alike), simulated ones together
    ``phantom_share``.

    A longer patient gives more patches, but not so many more that the short ones are never seen.
    """
    weight = np.sqrt(np.maximum(sizes or [1] * len(cases), 1)).astype(float)
    simulated = np.array([c.simulated for c in cases])
    for group, share in ((simulated, phantom_share), (~simulated, 1 - phantom_share)):
        if group.any():
            weight[group] *= share / weight[group].sum()
    return weight / weight.sum()


def window(array: np.ndarray, first: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    """The part of ``array`` from ``first`` (which may be negative) of ``size``, mirrored where it leaves the array."""
    for axis, (start, n) in enumerate(zip(first, size, strict=True)):
        length = array.shape[axis]
        if start < 0 or start + n > length:
            index = np.arange(start, start + n) % (2 * length)
            array = np.take(array, np.where(index >= length, 2 * length - 1 - index, index), axis=axis)
        else:
            array = array[(slice(None),) * axis + (slice(start, start + n),)]
    return array
