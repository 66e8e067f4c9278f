"""Measurements that every part of the bench shares: the arithmetic speed of this machine."""

from __future__ import annotations

import time

MATRIX = 2048


def matrix_flops(rounds: int = 10) -> float:
    """FLOP/s of a float32 product of two square matrices: the measure of what this machine can do now."""
    import torch

    a, b = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    a @ b
    began = time.perf_counter()
    for _ in range(rounds):
        a @ b
    return 2 * MATRIX**3 * rounds / (time.perf_counter() - began)
