"""`make boundaries`: the detectors on simulated examinations and on real label maps; or the fit of the confidences.

Prints the tables of docs/boundaries.md. Seeds from 1000 on serve the fit and the choice of the detector's constants,
those below 1000 the tables. With ``--keep DIR`` each patient's outcomes are kept there, so that a run goes on where it
was stopped.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import boundary_fit
import boundary_tables as tables
from boundary_run import Outcome, examples, given, one_score, outcomes
from column_conditions import CONDITIONS, FOR_FIT
from column_labels import ON_LABELS, Scanned, anatomies

from VertebraFLTLib.spine.detectors import DETECTORS

FIRST_FOR_FIT = 1000
FIGURE = "boundary-confidence.png"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 100), metavar=("FIRST", "STOP"))
    parser.add_argument("--draws", type=int, default=5, help="noise draws of each real anatomy (5); 0: none")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep outcomes here and go on from them")
    parser.add_argument("--figures", type=Path, metavar="DIR", help=f"write {FIGURE} here")
    parser.add_argument("--fit", type=int, metavar="N", help="fit the confidences on N patients and write the weights")
    parser.add_argument("--noise", nargs="+", metavar="PET", help="only measure the noise of real PET")
    args = parser.parse_args()
    if args.noise:
        from pet_noise import report

        for path in args.noise:
            print(report(path), flush=True)
        return 0
    if args.fit:
        seeds = range(FIRST_FOR_FIT, FIRST_FOR_FIT + args.fit)
        cases = (c for s in seeds for c in _kept(args.keep, f"fit-{s}", lambda s=s: list(examples([s], FOR_FIT))))
        print(f"wrote {boundary_fit.write(*boundary_fit.fit(cases))}")
        return 0
    began = time.process_time()
    simulated = list(_simulated(range(*args.seeds), args.keep))
    print(f"## Simulated patients {args.seeds[0]} to {args.seeds[1] - 1}\n")
    _print(simulated, args.figures)
    real = list(_real(args.draws, args.keep))
    if real:
        print(f"\n## Real anatomy, {args.draws} draws each\n")
        _print(real, None)
    print(f"\n{time.process_time() - began:.0f} s of one core")
    return 0


def _print(found: Sequence[Outcome], figures: Path | None) -> None:
    groups = tables.grouped(found)
    print("\n".join(tables.side_by_side(groups, tuple(DETECTORS))))
    for detector in DETECTORS:
        print(f"\n### {detector}\n")
        print("\n".join(tables.detail(groups, detector)))
    print("\n### Confidence of span-prior\n")
    print("\n".join(tables.calibration(groups, "span-prior")), flush=True)
    if figures is not None:
        tables.calibration_figure(groups, tuple(DETECTORS), figures / FIGURE)


def _simulated(seeds: Sequence[int], keep: Path | None) -> Iterator[Outcome]:
    for seed in seeds:
        yield from _kept(keep, f"seed-{seed:04d}", lambda seed=seed: list(outcomes([seed], CONDITIONS)))


def _real(draws: int, keep: Path | None) -> Iterator[Outcome]:
    shared = os.environ.get("VERTEBRAFLT_SHARED")
    if not draws or not shared:
        return
    for anatomy in anatomies(Path(shared)):

        def run(anatomy=anatomy) -> list[Outcome]:
            scanned = Scanned(anatomy)
            return [
                Outcome(
                    condition.name, condition.day, detector, one_score(detector, data, case.truth, anatomy.uncertain)
                )
                for condition in ON_LABELS
                if anatomy.hu is not None or not condition.with_ct
                for case in scanned.cases(condition, draws)
                for data in [given(case)]
                for detector in DETECTORS
                if detector == "span-prior" or not condition.with_ct
            ]

        yield from _kept(keep, f"real-{anatomy.name}-{draws}", run)


def _kept(keep: Path | None, name: str, run) -> list:  # type: ignore[no-untyped-def]
    """What ``run`` gives, from the file of that name where there is one."""
    path = None if keep is None else keep / f"{name}.pkl"
    if path is not None and path.exists():
        return pickle.loads(path.read_bytes())
    found = run()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".part").write_bytes(pickle.dumps(found))
        path.with_suffix(".part").rename(path)
        print(f"{name} done", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
