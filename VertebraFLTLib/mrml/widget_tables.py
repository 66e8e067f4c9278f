"""Filling and reading of the panel's tables: numbers stay numbers, so that a column sorts by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

Cell = str | float | int | bool
"""A text, a number, or a tick."""


def set_up(table: Any) -> None:
    """Rows without numbers, no higher than their text."""
    table.verticalHeader().visible = False
    table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    table.horizontalHeader().highlightSections = False


def fill(table: Any, rows: Sequence[Sequence[Cell]], editable: Sequence[int] = ()) -> None:
    """Show the rows; ticks can be set, and the columns ``editable`` be typed in. The user's sorting is kept.

    Cells that are there are changed in place: an edit may be under way in one of them.
    """
    sorting = table.sortingEnabled
    table.sortingEnabled = False
    table.rowCount = len(rows)
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if table.item(r, c) is None:
                table.setItem(r, c, qt.QTableWidgetItem())
            _show(table.item(r, c), value, c in editable)
    table.sortingEnabled = sorting


def _show(item: Any, value: Cell, editable: bool) -> None:
    flags = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable
    if isinstance(value, bool):
        item.setCheckState(qt.Qt.Checked if value else qt.Qt.Unchecked)
        flags = flags | qt.Qt.ItemIsUserCheckable
    else:
        item.setData(qt.Qt.DisplayRole, value)
        if not isinstance(value, str):
            item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        if editable:
            flags = flags | qt.Qt.ItemIsEditable
    item.setFlags(flags)


def value_at(table: Any, row: int, column: int) -> Any:
    """What a cell holds now: a tick as bool, else its text or number."""
    item = table.item(row, column)
    if item.flags() & qt.Qt.ItemIsUserCheckable:
        return item.checkState() == qt.Qt.Checked
    return item.data(qt.Qt.DisplayRole)


def paint(table: Any, row: int, column: int, rgb: Sequence[float]) -> None:
    """Give a cell a colour of meaning, with black text on it whatever the theme."""
    item = table.item(row, column)
    item.setBackground(qt.QBrush(qt.QColor.fromRgbF(*rgb)))
    item.setForeground(qt.QBrush(qt.QColor(0, 0, 0)))


def as_text(table: Any, selected_only: bool = False) -> str:
    """The table as it is sorted, tab-separated with its headings; or the selected cells alone, without headings."""
    columns = range(table.columnCount)
    if not selected_only:
        lines = [[table.horizontalHeaderItem(c).text() for c in columns]]
        lines += [[table.item(r, c).text() for c in columns] for r in range(table.rowCount)]
    else:
        chosen = [[table.item(r, c) for c in columns] for r in range(table.rowCount)]
        lines = [[item.text() for item in row if item.isSelected()] for row in chosen]
    return "\n".join("\t".join(line) for line in lines if line)
