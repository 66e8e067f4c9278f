"""Runs of one patient on several days as one table, figure and page of uptake by vertebra and day."""

from __future__ import annotations

import argparse
import logging
import math

from VertebraFLTLib.cli.arguments import allow_lists_below_zero, number_list, typed
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.follow_up import timeline_into
from VertebraFLTLib.progress import Progress

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    allow_lists_below_zero(parser)
    parser.add_argument("runs", nargs="+", metavar="DIR", help="folders of finished runs ('run' and 'follow')")
    parser.add_argument(
        "--days", required=True, type=typed(_days), metavar="LIST", help="day of each run, in that order: -1,7,28"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for timeline.csv, .png and .html")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    progress("timeline", 0.0)
    rows, warnings = timeline_into(args.out, args.runs, args.days)
    progress("timeline", 1.0)
    for warning in warnings:
        log.warning("warning: %s", warning)
    print(f"{len({row.roi for row in rows})} regions on {len(args.days)} days: {args.out}   (open timeline.html)")


def _days(text: str) -> tuple[float, ...]:
    days = number_list(text)
    if not all(map(math.isfinite, days)):
        raise InputError(f"{text!r}: days must be numbers, e.g. -1,7,28")
    return days
