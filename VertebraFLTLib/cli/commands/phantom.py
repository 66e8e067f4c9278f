"""A simulated patient with exact truth: CT, PET in SUV, masks, boundaries."""

from __future__ import annotations

import argparse

from VertebraFLTLib.cli.arguments import allow_lists_below_zero, number_list, typed
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress

SIZES = ("full", "demo", "small")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    allow_lists_below_zero(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the five files")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which patient (0)")
    parser.add_argument("--day", type=typed(_day), default=28, metavar="-1|7|28", help="day after the transplant (28)")
    parser.add_argument("--size", choices=SIZES, default="full", help="sampling of CT and PET (full)")
    pose = parser.add_argument_group("how the patient lies on that day (the usual pose)")
    pose.add_argument("--pose", type=int, metavar="N", help="a pose as it differs between days, drawn by number")
    pose.add_argument("--shift", type=typed(_three), metavar="X,Y,Z", help="move by mm to the left, back and head")
    pose.add_argument("--turn", type=typed(_three), metavar="X,Y,Z", help="turn by degrees about these axes")
    pose.add_argument("--kyphosis", type=float, metavar="DEG", help="bend the thoracic spine by more or less")
    pose.add_argument("--scoliosis", type=float, metavar="DEG", help="bend it sideways")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    from VertebraFLTLib.phantom import PhantomOptions, Pose, make_phantom, write_phantom

    given = {
        "shift_mm": args.shift,
        "turn_deg": args.turn,
        "kyphosis_deg": args.kyphosis,
        "scoliosis_deg": args.scoliosis,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if args.pose is not None and (given or args.pose < 0):
        raise InputError("--pose is a number of 0 or more and stands alone: leave out --shift, --turn and the curves")
    pose = Pose(**given) if args.pose is None else Pose.of_another_day(args.pose)
    progress("phantom", 0.0)
    options = PhantomOptions(pose=pose)
    write_phantom(make_phantom(seed=args.seed, day=args.day, size=args.size, options=options), args.out)
    progress("phantom", 1.0)
    print(args.out)


def _day(text: str) -> int:
    if text not in ("-1", "7", "28"):
        raise InputError(f"{text!r}: choose -1, 7 or 28")
    return int(text)


def _three(text: str) -> tuple[float, ...]:
    numbers = number_list(text)
    if len(numbers) != 3:
        raise InputError(f"{text!r}: give three numbers, as 5,-3,10")
    return numbers
