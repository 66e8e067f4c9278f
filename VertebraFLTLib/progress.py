"""How long work tells how far it is, how it is stopped (one callback for both), and how long its stages took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Called as ``progress(stage, fraction)`` with a fraction of 0 to 1 within the named stage.

    To cancel, the callback raises :class:`VertebraFLTLib.errors.Cancelled`; every stage lets it pass.
    """

    def __call__(self, stage: str, fraction: float) -> None: ...


def silent(stage: str, fraction: float) -> None:
    """The progress callback that does nothing."""


class Stopwatch:
    """Seconds per stage, and the progress of each."""

    def __init__(self, progress: Progress, seconds: dict[str, float] | None = None) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {} if seconds is None else seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        self.progress(name, 0.0)
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 3)
        self.progress(name, 1.0)
