"""Measurements that every part of the bench shares: memory and arithmetic speed of the process that asks."""

from __future__ import annotations

import re
import time
from pathlib import Path

MATRIX = 2048
_STATUS = Path("/proc/self/status")


def peak_memory_gb() -> float:
    """The peak resident memory of this process so far.

    On Linux from the kernel's own mark for this program: ``ru_maxrss`` begins at the peak of the process that started
    it, which here has held simulated patients.
    """
    if _STATUS.exists():
        mark = re.search(r"^VmHWM:\s*(\d+) kB", _STATUS.read_text(), re.M)
        if mark:
            return int(mark[1]) / 1024**2
    from VertebraFLTLib.pipeline import peak_memory_mb

    return peak_memory_mb() / 1024


def matrix_flops(rounds: int = 10) -> float:
    """FLOP/s of a float32 product of two square matrices: the measure of what this machine can do now."""
    import torch

    a, b = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    a @ b
    began = time.perf_counter()
    for _ in range(rounds):
        a @ b
    return 2 * MATRIX**3 * rounds / (time.perf_counter() - began)
