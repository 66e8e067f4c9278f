"""Train the networks as a TOML file says."""

from __future__ import annotations

import argparse
from pathlib import Path

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.result import DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG.toml", help="what to train on and how; see docs/training")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to train (auto)")
    parser.add_argument("--start", metavar="DIR", help="folder of earlier weights to go on from")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    from VertebraFLTLib.training.config import read_config

    config = read_config(Path(args.config))
    try:
        from VertebraFLTLib.training.loop import train
    except ModuleNotFoundError as error:
        raise InputError(f"training needs the package {error.name}: pip install 'vertebraflt[train]'") from error
    train(config, args.device, Path(args.start) if args.start else None, progress)
    print(config.out)
