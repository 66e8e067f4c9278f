"""Batches made one ahead in a thread of its own, so that augmentation and network overlap."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from VertebraFLTLib.training.sampling import Sampler

Batch = tuple[torch.Tensor, torch.Tensor]


def batches(
    samplers: list[Sampler], first: int, last: int, size: int, rank: int = 0, world: int = 1
) -> Iterator[tuple[int, Batch]]:
    """(step, batch) for the steps from ``first`` up to ``last``; the samplers take turns.

    Each of ``world`` processes has its own share of the seeds. A single thread makes the batches in order: samplers
    keep state between patches of one batch (MONAI's random generators), so two must not run at once.
    """

    def make(step: int) -> Batch:
        return samplers[step % len(samplers)].batch(step * world + rank, size)

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        coming = pool.submit(make, first) if first < last else None
        for step in range(first, last):
            assert coming is not None
            batch = coming.result()
            coming = pool.submit(make, step + 1) if step + 1 < last else None
            yield step, batch
