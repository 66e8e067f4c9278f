"""Train the networks as a TOML file says."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.result import DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG.toml", help="what to train on and how; see docs/training")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to train (auto)")
    parser.add_argument("--fold", type=int, metavar="K", help="leave out the cases of this fold (cross-validation)")
    parser.add_argument(
        "--publish",
        metavar="DIR",
        help="train nothing: make a model folder of what was trained (in 3-D of all folds, or those the card names)",
    )
    parser.add_argument(
        "--prepare",
        metavar="DIR",
        help="train nothing: write the volumes on the networks' grid, for a machine that does not have the images",
    )
    parser.add_argument("--card", metavar="CARD.toml", help="thresholds and what is told of the model, for --publish")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, to the same weights")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    from VertebraFLTLib.training.config_file import read_config

    other = "publish" if args.publish else "prepare"
    if (args.publish or args.prepare) and (args.fold is not None or args.resume):
        raise InputError(f"--{'resume' if args.resume else 'fold'} does not go with --{other}, which trains nothing")
    if args.publish and args.prepare:
        raise InputError("--publish and --prepare do not go together; give one of them")
    if args.card and not args.publish:
        raise InputError("--card goes with --publish")
    config = read_config(Path(args.config))
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts; it alone speaks
    if not first:
        progress = silent
        logging.getLogger("VertebraFLTLib").setLevel(logging.WARNING)
    try:
        from VertebraFLTLib.training.loop import train
    except ModuleNotFoundError as error:
        raise InputError(f"training needs the package {error.name}: pip install 'vertebraflt[train]'") from error
    if args.publish:
        from VertebraFLTLib.training.publish import publish_trained

        print(publish_trained(config, Path(args.publish), Path(args.card) if args.card else None))
        return
    if args.prepare:
        from VertebraFLTLib.training.prepared import prepare

        print(prepare(config, Path(args.prepare)))
        return
    folder = train(config, args.device, fold=args.fold, resume=args.resume, progress=progress)
    if first:
        print(folder)
