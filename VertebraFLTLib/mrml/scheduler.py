"""How work is put off until the user pauses; Slicer's widget gives one made of Qt timers, scripts have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Scheduler(Protocol):
    """Calls functions later, each under a key: a new one takes the place of the one that waits under the same key."""

    def call_later(self, key: str, milliseconds: int, function: Callable[[], None]) -> None:
        """Call ``function`` once, after a while, on the main thread."""

    def cancel(self) -> None:
        """Forget all that waits."""


class Immediate:
    """For scripts and tests: nothing is put off."""

    def call_later(self, key: str, milliseconds: int, function: Callable[[], None]) -> None:
        """Call it now."""
        function()

    def cancel(self) -> None:
        """Nothing waits."""


IMMEDIATE = Immediate()
