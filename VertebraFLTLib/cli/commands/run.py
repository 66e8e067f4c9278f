"""The whole path: CT and PET in; masks, boundaries, tables, surfaces, figures, report and scene out."""

from __future__ import annotations

import argparse

from VertebraFLTLib.cli import arguments
from VertebraFLTLib.cli.summary import say_result
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.workflow import run_into


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ct", required=True, metavar="PATH", help=f"CT: {arguments.IMAGE}")
    arguments.add_pet(parser)
    arguments.add_series_of_two(parser)
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="results; a new or empty folder, or an earlier run's"
    )
    arguments.add_segmenter(parser)
    arguments.add_detector(parser)
    arguments.add_percentiles(parser)
    parser.add_argument("--no-scene", action="store_true", help="do not write scene.mrb")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    options = arguments.options_of(args)

    result = run_into(
        args.out,
        lambda _: arguments.read_ct_and_pet(args, progress),
        options,
        mask=args.mask,
        overrides=arguments.overrides(args),
        scene=not args.no_scene,
        progress=progress,
    )
    say_result(result, args.out)
