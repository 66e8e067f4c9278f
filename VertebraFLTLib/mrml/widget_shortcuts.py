"""Keys of the review, alive while the module is open: in the whole window, or in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt


class Shortcuts:
    """Keys -> actions, on a widget and all within it; ``enabled`` switches them together."""

    def __init__(self, parent: Any, actions: Mapping[str, Callable[[], object]], everywhere: bool) -> None:
        self._keys = []
        for keys, action in actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(keys), parent)
            shortcut.context = qt.Qt.WindowShortcut if everywhere else qt.Qt.WidgetWithChildrenShortcut
            shortcut.activated.connect(action)
            shortcut.activatedAmbiguously.connect(action)
            self._keys.append(shortcut)

    def enable(self, on: bool) -> None:
        """Switch all keys on or off."""
        for shortcut in self._keys:
            shortcut.enabled = on

    def remove(self) -> None:
        """Take the keys off their widget, which may outlive the panel."""
        for shortcut in self._keys:
            shortcut.enabled = False
            shortcut.deleteLater()
        self._keys = []
