"""`make boundaries`: the detectors on simulated examinations and on real label maps; or the fit of the confidences.

Prints the tables of docs/boundaries.md. Seeds from 1000 on serve the fit and the choice of the detector's constants,
those below 1000 the tables. With ``--keep DIR`` each patient's outcomes are kept there, so that a run goes on where it
was stopped. The discs of the real CT come from the networks that `vertebraflt train docs/training/volume.toml --fold K`
wrote, each asked of the CT that its fold left out; without them those rows are left out.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import boundary_fit
import boundary_tables as tables
import discs_figure
from boundary_run import Example, Outcome, example, examples, given, one_score, outcomes
from column_conditions import CONDITIONS, FOR_FIT
from column_labels import ON_LABELS, Anatomy, Scanned, anatomies
from label_discs import LeftOutDiscs

from VertebraFLTLib.spine.detectors import DETECTORS

HERE = Path(__file__).resolve().parents[2]
FIRST_FOR_FIT = 1000
FIGURE, DISCS_FIGURE = "boundary-confidence.png", "discs-vote.png"
SHOWN = "lidc0001"  # the anatomy of that figure: chest CT in slices of 2.5 mm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 100), metavar=("FIRST", "STOP"))
    parser.add_argument("--draws", type=int, default=5, help="noise draws of each real anatomy (5); 0: none")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep outcomes here and go on from them")
    parser.add_argument("--figures", type=Path, metavar="DIR", help=f"write {FIGURE} and {DISCS_FIGURE} here")
    parser.add_argument("--volume", type=Path, default=HERE / "runs/volume", help="folder of the folds' 3-D networks")
    parser.add_argument(
        "--cache", type=Path, default=HERE / "runs/predictions", help="their probabilities are kept here"
    )
    parser.add_argument(
        "--fit", type=int, metavar="N", help="fit the confidences on N patients and the training CT; write the weights"
    )
    parser.add_argument("--noise", nargs="+", metavar="PET", help="only measure the noise of real PET")
    args = parser.parse_args()
    if args.noise:
        from pet_noise import report

        for path in args.noise:
            print(report(path), flush=True)
        return 0
    if args.fit:
        return _fit(args)
    began = time.process_time()
    simulated = list(_simulated(range(*args.seeds), args.keep))
    print(f"## Simulated patients {args.seeds[0]} to {args.seeds[1] - 1}\n")
    _print(simulated, args.figures)
    real = list(_real(args))
    if real:
        print(f"\n## Real anatomy, {args.draws} draws each\n")
        _print(real, None)
        print(f"\n### {discs_figure.FLAT.name}: span-prior on each CT\n")
        print("\n".join(tables.by_anatomy(real, discs_figure.FLAT.name, "span-prior")))
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


def _fit(args: argparse.Namespace) -> int:
    found = []
    for seed in range(FIRST_FOR_FIT, FIRST_FOR_FIT + args.fit):
        found += _kept(args.keep, f"fit-{seed}", lambda seed=seed: list(examples([seed], FOR_FIT)))
    for anatomy in _anatomies(args):
        if not anatomy.is_training:
            continue

        def run(anatomy=anatomy) -> list[Example]:
            scanned = Scanned(anatomy)
            cases = (case for condition in ON_LABELS for case in scanned.cases(condition, args.draws))
            return [example(case, anatomy=anatomy.name, uncertain=anatomy.uncertain) for case in cases]

        found += _kept(args.keep, f"fit-{anatomy.name}-{args.draws}", run)
    if not any(c.signs.placed_by.count("discs") for c in found):
        print("boundaries: --fit needs the shared data ($VERTEBRAFLT_SHARED) and the folds (--volume)", file=sys.stderr)
        return 2
    print("\n".join(boundary_fit.by_kind(found)) + "\n")
    print("Confidence on each training CT, by weights fitted without it:\n")
    print("\n".join(boundary_fit.left_out(found)))
    print(f"\nwrote {boundary_fit.write(*boundary_fit.fit(found))}")
    return 0


def _anatomies(args: argparse.Namespace) -> Iterator[Anatomy]:
    """The real label maps, their discs where there is a network to show them."""
    shared = os.environ.get("VERTEBRAFLT_SHARED")
    if not args.draws or not shared:
        return
    discs = LeftOutDiscs(args.volume, args.cache)
    for fold in discs.missing:
        print(f"no network in {args.volume}/fold{fold}: no discs of the CT that it left out", file=sys.stderr)
    for anatomy in anatomies(Path(shared)):
        seen = None if anatomy.hu is None else discs.of(anatomy.name)
        yield replace(anatomy, discs=seen, is_training=discs.is_training(anatomy.name))


def _real(args: argparse.Namespace) -> Iterator[Outcome]:
    for anatomy in _anatomies(args):

        def run(anatomy=anatomy) -> list[Outcome]:
            scanned = Scanned(anatomy)
            if args.figures and anatomy.name == SHOWN and anatomy.discs is not None:
                discs_figure.draw(scanned, args.figures / DISCS_FIGURE)
            return [
                Outcome(
                    condition.name,
                    condition.day,
                    detector,
                    one_score(detector, data, case.truth, anatomy.uncertain),
                    anatomy.name,
                )
                for condition in ON_LABELS
                for case in scanned.cases(condition, args.draws)
                for data in [given(case)]
                for detector in DETECTORS
                if detector == "span-prior" or not condition.with_ct
            ]

        yield from _kept(args.keep, f"real-{anatomy.name}-{args.draws}", run)


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
