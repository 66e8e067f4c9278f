"""How far a command is: a bar on a terminal, a plain line for each finished stage elsewhere."""

from __future__ import annotations

import logging
import sys
import time
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
    """One line a finished stage, with its seconds; for logs and cluster jobs."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        self.last = ""

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.perf_counter()
        began = self.began.setdefault(stage, now)
        if fraction >= 1.0 and stage != self.last:  # a stage may say it is done, and so may the one that ran it
            log.info("%s: done in %.1f s", stage, now - began)
            self.last = stage
        if fraction >= 1.0:
            del self.began[stage]
        elif stage == self.last:
            self.last = ""


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
