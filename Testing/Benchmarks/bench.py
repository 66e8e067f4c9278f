"""`make bench`: accuracy on the full-size phantom; time of an edit, of a run and of segmentation.

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
import bench_edit
import bench_longitudinal
import bench_review
import bench_run
import bench_segmentation

from VertebraFLTLib.phantom import make_phantom, write_phantom

PARTS = ("boundaries", "edit", "longitudinal", "review", "run", "segmentation")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)} (all)")
    parser.add_argument("--seeds", type=_at_least_one, default=3, help="simulated patients for the boundaries (3)")
    parser.add_argument("--size", default="full", help="full, demo or small (full)")
    parser.add_argument("--patches", type=_at_least_one, default=6, help="patches of the 3-D U-Net that are timed (6)")
    parser.add_argument("--all-patches", action="store_true", help="time them all: tens of minutes on two cores")
    parser.add_argument("--networks", action="store_true", help="longitudinal: the networks' masks as well")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vertebraflt-bench-") as folder:
        patient = Path(folder) / "patient"
        if "boundaries" in args.only:
            print(f"## Boundaries and SUV, true mask, day 28, {args.size} size\n", flush=True)
            print(bench_boundaries.HEADER, flush=True)
            for seed in range(args.seeds):
                for line in bench_boundaries.rows(make_phantom(seed=seed, size=args.size)):
                    print(line, flush=True)
            print("\n## Detectors side by side, simulated columns (all conditions: make boundaries)\n", flush=True)
            print("\n".join(bench_boundaries.glimpse(args.seeds)), flush=True)
        if "edit" in args.only:
            print(f"\n## After one edit of the boundaries: labels and table, {args.size} size\n", flush=True)
            print(bench_edit.HEADER, flush=True)
            for line in bench_edit.rows(make_phantom(seed=0, size=args.size)):
                print(line, flush=True)
        if "longitudinal" in args.only:
            print(f"\n## Days -1 and 7 with the boundaries of day 28, {args.size} size\n", flush=True)
            for line in bench_longitudinal.report(args.seeds, args.size, args.networks):
                print(line, flush=True)
        if "review" in args.only:
            print(f"\n## Review in the scene, true mask, {args.size} size\n", flush=True)
            print(bench_review.report(make_phantom(seed=0, size=args.size)), flush=True)
        if {"run", "segmentation"} & set(args.only):
            write_phantom(make_phantom(seed=0, size=args.size), patient)
        if "run" in args.only:
            print(f"\n## One run from files to scene, {args.size} size\n", flush=True)
            print(bench_run.report(patient), flush=True)
        if "segmentation" in args.only:
            print(f"\n## Segmentation beside a 3-D U-Net of nnU-Net's kind, {args.size} size\n", flush=True)
            print(bench_segmentation.report(patient, 0 if args.all_patches else args.patches), flush=True)
    return 0


def _parts(text: str) -> tuple[str, ...]:
    wanted = tuple(text.split(","))
    if not set(wanted) <= set(PARTS):
        raise argparse.ArgumentTypeError(f"{text!r}: choose from {', '.join(PARTS)}")
    return wanted


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: give 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
