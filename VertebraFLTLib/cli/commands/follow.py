"""A scan of another day of the same patient, with the boundaries of a finished run: for days without contrast."""

from __future__ import annotations

import argparse

from VertebraFLTLib.cli import arguments
from VertebraFLTLib.cli.summary import say_result
from VertebraFLTLib.follow_up import follow_into
from VertebraFLTLib.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reference", required=True, metavar="DIR", help="the run whose boundaries are carried (day 28, checked)"
    )
    parser.add_argument("--ct", required=True, metavar="PATH", help=f"CT of the other day: {arguments.IMAGE}")
    arguments.add_pet(parser)
    arguments.add_series_of_two(parser)
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="results; a new or empty folder, or an earlier run's"
    )
    parser.add_argument("--label", default="", metavar="TEXT", help="what the day is called in the report, e.g. day-1")
    arguments.add_segmenter(parser)
    arguments.add_percentiles(parser)
    parser.add_argument("--no-scene", action="store_true", help="do not write scene.mrb")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    result = follow_into(
        args.out,
        args.reference,
        lambda: arguments.read_ct_and_pet(args, progress),
        arguments.options_of(args),
        label=args.label,
        mask=args.mask,
        overrides=arguments.overrides(args),
        scene=not args.no_scene,
        progress=progress,
    )
    say_result(result, args.out)
