"""How much memory the process has needed so far, for the run record and the benchmarks."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def peak_memory_mb() -> float:
    """The process's peak resident memory so far; 0 where the system does not tell.

    On Linux from the kernel's own mark for this program: ``ru_maxrss`` there begins at the peak of the process that
    started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        mark = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.M)
        if mark:
            return round(int(mark[1]) / 1024.0, 1)
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024.0**2 if sys.platform == "darwin" else 1024.0), 1)
