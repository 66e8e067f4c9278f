"""CSV of this room: a header that must match, cells that must be numbers, errors that name row and column."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

from VertebraFLTLib.errors import InputError


def read_rows(
    text: str, columns: Sequence[str], name: str, optional: Sequence[str] = ()
) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV text as (row number, column -> cell). Row 1 is the header, as a spreadsheet counts.

    Blank lines are skipped; a byte-order mark, semicolons instead of commas and the order of columns do not matter.
    ``optional``: columns that a table may lack; their cells are then empty.
    Raises InputError naming ``name`` when the header lacks a column or has an unknown one, or a row's length is wrong.
    """
    text = text.removeprefix("\ufeff")
    first = text.split("\n", 1)[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"{name}: not a CSV table ({error})") from error
    header = [cell.strip() for cell in lines[0]] if lines else []
    for column in columns:
        if header.count(column) != 1:
            raise InputError(f"{name}: row 1 must name the column {column} once; expected {','.join(columns)}")
    for column in optional:
        if header.count(column) > 1:
            raise InputError(f"{name}: row 1 names the column {column} twice")
    unknown = [column for column in header if column not in (*columns, *optional)]
    if unknown:
        raise InputError(f"{name}: row 1 has an unknown column {unknown[0]!r}; expected {','.join(columns)}")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(f"{name}: row {number} has {len(cells)} cells where the header has {len(header)}")
        given = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
        rows.append((number, dict.fromkeys(optional, "") | given))
    return rows


def number_in(cells: dict[str, str], column: str, row: int, name: str) -> float:
    """The finite number in a cell; InputError naming row and column otherwise."""
    try:
        value = float(cells[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{name}: row {row}, column {column}: {cells[column]!r} is not a number")
    return value


def write_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV text with a header; floats by ``repr`` so that reading them back is exact."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([repr(float(cell)) if isinstance(cell, float) else cell for cell in row])
    return out.getvalue()
