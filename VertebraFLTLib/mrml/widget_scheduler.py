"""Work that can wait a moment, on Qt's timers: a new call of the same key replaces the one that waits."""

from __future__ import annotations

from collections.abc import Callable

import qt


class QtScheduler:
    """The presenter's Scheduler inside Slicer."""

    def __init__(self) -> None:
        self._timers: dict[str, qt.QTimer] = {}
        self._waiting: dict[str, Callable[[], object]] = {}

    def call_later(self, key: str, milliseconds: int, function: Callable[[], object]) -> None:
        """Call ``function`` once, ``milliseconds`` after the last request with this key."""
        if key not in self._timers:
            self._timers[key] = qt.QTimer()
            self._timers[key].timeout.connect(lambda: self._fire(key))
        self._waiting[key] = function
        self._timers[key].start(milliseconds)

    def cancel(self) -> None:
        """Drop all that waits."""
        for timer in self._timers.values():
            timer.stop()
        self._waiting.clear()

    def _fire(self, key: str) -> None:
        self._timers[key].stop()
        function = self._waiting.pop(key, None)
        if function is not None:
            function()
