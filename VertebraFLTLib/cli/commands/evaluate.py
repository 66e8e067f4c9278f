"""How well a mask agrees with a reference: Dice, IoU, TPR, TNR and surface distances per structure and per vertebra."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence

from VertebraFLTLib.evaluation.level_scores import level_scores
from VertebraFLTLib.evaluation.mask_pair import MaskPair
from VertebraFLTLib.evaluation.metrics import Agreement, label_scores
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.writing import check_can_write
from VertebraFLTLib.progress import Progress

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--truth", required=True, metavar="PATH", help="reference mask")
    parser.add_argument("--pred", required=True, metavar="PATH", help="mask to judge, on the same grid")
    parser.add_argument(
        "--levels",
        metavar="PATH",
        help="the reference's vertebral bodies by VerSe number, on the same grid: scores each vertebra as well, every "
        "voxel of a vertebral body with the nearest level of the reference",
    )
    parser.add_argument(
        "--ignore", metavar="PATH", help="voxels left out of every score (nonzero there), on the same grid"
    )
    parser.add_argument(
        "--figures", metavar="DIR", help="write a 3-D view of each structure's false positives and negatives to DIR"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON instead of a table: a list; with --levels an object of two lists, structures and levels",
    )


def execute(args: argparse.Namespace, progress: Progress) -> None:
    if args.figures:
        check_can_write(f"{args.figures}/errors.png")
    truth, prediction = read_image(args.truth), read_image(args.pred)
    ignore = read_image(args.ignore).image if args.ignore else None
    levels = read_image(args.levels).image if args.levels else None
    progress("evaluate", 0.0)
    pair = MaskPair.of(truth.image, prediction.image, args.truth, args.pred, ignore, args.ignore or "")
    by_level = level_scores(pair, levels, args.levels) if levels is not None else None
    progress("evaluate", 0.4)
    scores = label_scores(pair)
    progress("evaluate", 1.0)
    if args.figures:
        # Imported here: VTK and matplotlib take a second, and most evaluations draw nothing.
        from VertebraFLTLib.evaluation.errors_3d import write_error_figures

        for path in write_error_figures(pair, args.figures, progress):
            log.info("%s", path)
    if args.json:
        rows = [s.as_dict() for s in scores]
        both = rows if by_level is None else {"structures": rows, "levels": [s.as_dict() for s in by_level]}
        print(json.dumps(both, indent=2))
        return
    _print_table("label", scores)
    if by_level is not None:
        print()
        _print_table("VerSe", by_level)


def _print_table(first: str, scores: Sequence[Agreement]) -> None:
    wide = max((len(s.name) for s in scores if s.name), default=0)
    head = f" {'name':<{wide}}" if wide else ""
    print(f"{first:>5}{head} {'Dice':>7} {'IoU':>7} {'TPR':>7} {'TNR':>9} {'ASSD mm':>8} {'HD95 mm':>8}")
    for s in scores:
        name = f" {s.name or '':<{wide}}" if wide else ""
        print(
            f"{s.label:>5}{name} {s.dice:7.4f} {s.iou:7.4f} {s.tpr:7.4f} {s.tnr:9.6f} {s.assd_mm:8.2f} {s.hd95_mm:8.2f}"
        )
