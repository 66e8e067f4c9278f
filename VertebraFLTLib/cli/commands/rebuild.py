"""Everything after the boundaries anew, from edited ones, into the same folder."""

from __future__ import annotations

import argparse

from VertebraFLTLib.cli import arguments
from VertebraFLTLib.cli.summary import say_result
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.workflow import rebuild_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder of an earlier run")
    parser.add_argument("--boundaries", metavar="CSV", help="edited boundaries (DIR/boundaries.csv)")
    arguments.add_cuts(parser, None)
    parser.add_argument("--no-scene", action="store_true", help="do not write scene.mrb")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    result = rebuild_folder(args.folder, args.boundaries, cuts=args.cuts, scene=not args.no_scene, progress=progress)
    say_result(result, args.folder)
