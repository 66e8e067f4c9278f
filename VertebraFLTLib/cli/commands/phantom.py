"""A simulated patient with exact truth: CT, PET in SUV, masks, boundaries."""

from __future__ import annotations

import argparse

from VertebraFLTLib.cli.arguments import typed
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress

SIZES = ("full", "demo", "small")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the five files")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which patient (0)")
    parser.add_argument("--day", type=typed(_day), default=28, metavar="-1|7|28", help="day after the transplant (28)")
    parser.add_argument("--size", choices=SIZES, default="full", help="sampling of CT and PET (full)")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    from VertebraFLTLib.phantom import make_phantom, write_phantom

    progress("phantom", 0.0)
    write_phantom(make_phantom(seed=args.seed, day=args.day, size=args.size), args.out)
    progress("phantom", 1.0)
    print(args.out)


def _day(text: str) -> int:
    if text not in ("-1", "7", "28"):
        raise InputError(f"{text!r}: choose -1, 7 or 28")
    return int(text)
