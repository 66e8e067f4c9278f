"""How well a mask agrees with a reference: Dice, IoU, TPR, TNR and surface distances per label."""

from __future__ import annotations

import argparse
import json

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.training.metrics import compare_masks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--truth", required=True, metavar="PATH", help="reference mask")
    parser.add_argument("--pred", required=True, metavar="PATH", help="mask to judge, on the same grid")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    truth, prediction = read_image(args.truth), read_image(args.pred)
    progress("evaluate", 0.0)
    scores = compare_masks(truth.image, prediction.image, args.truth, args.pred)
    progress("evaluate", 1.0)
    if args.json:
        print(json.dumps([s.as_dict() for s in scores], indent=2))
        return
    print(f"{'label':>5} {'Dice':>7} {'IoU':>7} {'TPR':>7} {'TNR':>9} {'ASSD mm':>8} {'HD95 mm':>8}")
    for s in scores:
        print(f"{s.label:>5} {s.dice:7.4f} {s.iou:7.4f} {s.tpr:7.4f} {s.tnr:9.6f} {s.assd_mm:8.2f} {s.hd95_mm:8.2f}")
