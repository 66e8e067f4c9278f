"""`make accuracy`: cross-validation tables and figures of docs/accuracy.md, from folds trained before.

Expects the folders that `vertebraflt train docs/training/volume.toml --fold K` and `... views.toml --fold K` wrote.
Prints Markdown; figures go to --figures. A threshold used on a fold's volumes is the best on the volumes of the *other*
folds (3 mm slices), so no volume is scored with a threshold that was chosen on it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from accuracy_cases import left_out, samplings_of, slice_thickness, wanted_of
from accuracy_scores import (
    DETAILED,
    RULES,
    Folders,
    best_thresholds,
    case_curves,
    score_case,
    score_validation,
    threshold_dices,
)
from accuracy_tables import case_table, level_table, measures_table, rule_table

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.curve_figures import dice_figure, roc_figure
from VertebraFLTLib.evaluation.view_curves import Curves, pooled
from VertebraFLTLib.segmentation.weights import VOLUME_MODEL, read_model, shipped
from VertebraFLTLib.training.manifest import read_manifest

HERE = Path(__file__).resolve().parents[2]
CHOOSING = 3.0  # the slices at which thresholds are chosen


def main() -> int:
    """Exit status: 0 done, 2 where data or folds are missing."""
    try:
        return _tables()
    except InputError as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2


def _tables() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shipped(VOLUME_MODEL), help="scored on the validation volumes")
    parser.add_argument("--manifest", type=Path, default=HERE / "docs/training/cases.toml")
    parser.add_argument("--volume", type=Path, default=HERE / "runs/volume")
    parser.add_argument("--views", type=Path, default=HERE / "runs/views")
    parser.add_argument("--cache", type=Path, default=HERE / "runs/predictions")
    parser.add_argument("--figures", type=Path, default=HERE / "docs/figures")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    folders = Folders(args.volume, args.views)
    manifest = read_manifest(args.manifest)
    cases, validation = left_out(manifest), manifest.with_role("validation")
    slices = {c.name: slice_thickness(c) for c in (*cases, *validation)}
    with ProcessPoolExecutor(args.processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        waiting = {
            c.name: pool.submit(case_curves, c, wanted_of(slices[c.name], CHOOSING), folders, args.cache) for c in cases
        }
        curves = {name: job.result() for name, job in waiting.items()}
        at_thresholds = {
            c.name: pool.submit(threshold_dices, c, wanted_of(slices[c.name], CHOOSING), folders, args.cache)
            for c in cases
        }
        dices = {name: job.result() for name, job in at_thresholds.items()}
        thresholds = {fold: best_thresholds(dices[c.name] for c in cases if c.fold != fold) for fold in manifest.folds}
        jobs = [
            pool.submit(score_case, c, s, thresholds[c.fold], folders, args.cache)
            for c in cases
            if c.fold is not None
            for s in samplings_of(slices[c.name])
        ]
        scores = [job.result() for job in jobs]
        on_validation = [
            score_validation(c, s, args.model, DETAILED, args.cache)
            for c in validation
            for s in samplings_of(slices[c.name])
            if args.model.exists()
        ]
    hashes = {
        kind: [read_model(folder / f"fold{k}").digest[:8] for k in manifest.folds]
        for kind, folder in (("3-D", folders.volume), ("2-D", folders.views))
    }
    print("Weights by fold:", "; ".join(f"{kind} {', '.join(h)}" for kind, h in hashes.items()), "\n")
    print("### Left-out volumes: mean Dice of every rule (number of volumes)\n\n" + rule_table(scores, thresholds))
    print("\n### The 3-D network: every measure\n\n" + measures_table(scores))
    print("\n### The 3-D network: volume by volume\n\n" + case_table(scores))
    if on_validation:
        print("\n### The shipped 3-D model on validation volumes\n\n" + case_table(on_validation))
    print("\n### The 3-D network: level by level\n\n" + level_table(scores))
    every = best_thresholds(dices.values())
    print("\n### Thresholds over all left-out volumes\n\n```\n" + json.dumps(every, indent=1) + "\n```")
    _figures(curves, args.figures)
    return 0


def _figures(curves: dict[str, Curves], folder: Path) -> None:
    """Pooled curves of the views, the thesis's ensembles and the 3-D network."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {rule.name: rule.curve if len(rule.views) != 2 else rule.name for rule in RULES}
    renamed = ({shown[rule]: by_label for rule, by_label in by_rule.items()} for by_rule in curves.values())
    every = pooled(renamed)
    few = {name: curve for name, curve in every.items() if "axial +" not in name}
    roc_figure(few).savefig(folder / "roc.png", dpi=80)
    dice_figure(few).savefig(folder / "dice-by-threshold.png", dpi=80)


if __name__ == "__main__":
    sys.exit(main())
