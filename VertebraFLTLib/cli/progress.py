"""How far a command is: a bar on a terminal, a plain line a stage elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from VertebraFLTLib.progress import Progress, silent

log = logging.getLogger("VertebraFLTLib.progress")


@contextmanager
def console_progress(quiet: bool = False) -> Iterator[Progress]:
    """A progress callback for the standard error stream."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield bar
    else:
        yield _Lines()


class _Lines:
    """Says once that a stage began and once that it is done; for logs and cluster jobs."""

    def __init__(self) -> None:
        self.last: tuple[str, bool] = ("", False)

    def __call__(self, stage: str, fraction: float) -> None:
        now = (stage, fraction >= 1.0)
        if now != self.last and (now[1] or self.last[0] != stage):
            log.info("%s: %s", stage, "done" if now[1] else "started")
            self.last = now


@contextmanager
def _bar() -> Iterator[Progress]:
    # rich is loaded only for a person who watches.
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=36),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    from rich.console import Console

    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def show(stage: str, fraction: float) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=1.0)
            bar.update(tasks[stage], completed=min(1.0, fraction))  # type: ignore[arg-type]

        yield show
