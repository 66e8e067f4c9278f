"""`vertebraflt`: parses arguments, runs the command, turns errors into one line and an exit status."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

from VertebraFLTLib import __version__
from VertebraFLTLib.cli.commands import COMMANDS
from VertebraFLTLib.cli.progress import console_progress
from VertebraFLTLib.errors import Cancelled, InputError

DONE, BUG, AT_FAULT, CANCELLED = 0, 1, 2, 3
NOTICE = "For research use only. Not a medical device: do not base a diagnosis or treatment on its results."


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument as one line, without the usage text before it."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see '{self.prog} --help')")


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each command's module adds its own arguments."""
    parser = _Parser(
        prog="vertebraflt",
        description="FLT-PET uptake of the bone marrow, vertebra by vertebra, from an under-sampled PET/CT.",
        epilog=NOTICE + " Exit status: 0 done, 2 input or arguments at fault, 3 cancelled.",
    )
    parser.add_argument("--version", action="version", version=f"vertebraflt {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, command in COMMANDS.items():
        text = (command.__doc__ or "").strip().splitlines()[0]
        sub = subparsers.add_parser(name, help=text, description=text)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error, and more log lines")
        sub.add_argument("--quiet", action="store_true", help="no progress, no log lines below warnings")
        command.add_arguments(sub)
        sub.set_defaults(execute=command.execute)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Nothing but one line reaches the user of an error."""
    arguments = sys.argv[1:] if argv is None else argv
    debug = "--debug" in arguments
    _cancel_on_termination()
    try:
        args = make_parser().parse_args(arguments)
        _set_up_log(args)
        with console_progress(quiet=args.quiet) as progress:
            args.execute(args, progress)
    except InputError as error:
        return _fail(AT_FAULT, str(error), debug)
    except (Cancelled, KeyboardInterrupt):
        return _fail(CANCELLED, "cancelled; nothing was written", debug)
    except BrokenPipeError:  # the reader of our output went away, as in `... | head`
        sys.stderr.close()
        return DONE
    except MemoryError:
        return _fail(AT_FAULT, "not enough memory for these images; close other programs or use a smaller CT", debug)
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return _fail(
            BUG, f"internal error ({what}); please report it, with the output of the same command plus --debug", debug
        )
    return DONE


def _fail(status: int, message: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"vertebraflt: {' '.join(message.split())}", file=sys.stderr)
    return status


def _set_up_log(args: argparse.Namespace) -> None:
    level = logging.DEBUG if args.debug else logging.WARNING if args.quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("VertebraFLTLib").setLevel(level)


def _cancel_on_termination() -> None:
    """A cluster's scheduler ends a job with SIGTERM: that is a cancellation too."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: whoever runs us there decides
        return


if __name__ == "__main__":
    sys.exit(main())
