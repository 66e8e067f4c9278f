"""`make bench`: accuracy on the full-size phantom, and time, memory and arithmetic speed of a full-size run.

Prints Markdown tables, as they stand in docs/accuracy.md. Times are of this machine; what can be compared between
machines are the ratios, all taken within one run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_boundaries
import bench_run

from VertebraFLTLib.phantom import make_phantom, write_phantom


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="full-size simulated patients (3)")
    parser.add_argument("--size", default="full", help="full, demo or small (full)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vertebraflt-bench-") as folder:
        print(f"## Boundaries and SUV, true mask, day 28, {args.size} size\n", flush=True)
        print(bench_boundaries.HEADER, flush=True)
        for seed in range(args.seeds):
            patient = make_phantom(seed=seed, size=args.size)
            for line in bench_boundaries.rows(patient):
                print(line, flush=True)
            if seed == 0:
                write_phantom(patient, Path(folder) / "patient")
        del patient
        print(f"\n## One run from files to scene, {args.size} size\n", flush=True)
        print(bench_run.report(Path(folder) / "patient"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
