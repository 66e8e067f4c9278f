"""Names of the vertebrae: the order from the lowest up, numbering variants, and what a wrong name is answered with."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence

from VertebraFLTLib.anatomy import LEVEL_BY_NAME, LEVELS, STANDARD_LEVELS
from VertebraFLTLib.errors import InputError

ALL_UP: tuple[str, ...] = tuple(level.name for level in reversed(LEVELS))
"""Every level from the lowest up, the two supernumerary ones (L6, T13) in their places."""

STANDARD_UP: tuple[str, ...] = tuple(level.name for level in reversed(STANDARD_LEVELS))
"""The usual 24 levels from L5 up to C1."""

THORACIC_COUNTS = (11, 12, 13)


SURE_OF_NAMES = 0.9
"""Level names with a confidence below this are called an inference wherever they are shown."""


def order_up(thoracic: int = 12) -> tuple[str, ...]:
    """The levels from L6 up to C1 of a spine with 11, 12 or 13 thoracic vertebrae (L6 is there to be named only).

    Raises ValueError for any other count.
    """
    if thoracic not in THORACIC_COUNTS:
        raise ValueError(f"{thoracic} thoracic vertebrae: only {THORACIC_COUNTS} are known")
    absent = {11: {"T12", "T13"}, 12: {"T13"}, 13: set()}[thoracic]
    return tuple(name for name in ALL_UP if name not in absent)


def check_level(name: str, option: str = "--lowest") -> str:
    """The level's proper name for what a user wrote (case and blanks do not matter).

    Raises InputError, naming ``option`` and listing what is valid, for a name that is no level.
    """
    proper = str(name).strip().upper()
    if proper in LEVEL_BY_NAME:
        return proper
    near = difflib.get_close_matches(proper, ALL_UP, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise InputError(
        f"{option} {name!s}: no such vertebra{hint}; valid are L1 to L5 (and L6), T1 to T12 (and T13), C1 to C7"
    )


def names_up(lowest: str, count: int, thoracic: int = 12) -> tuple[str, ...]:
    """Names of ``count`` vertebrae from ``lowest`` upwards.

    Raises InputError when ``lowest`` is no level or the names would run past C1.
    """
    lowest = check_level(lowest)
    if lowest == "T13":
        thoracic = 13
    elif lowest == "T12" and thoracic == 11:
        thoracic = 12
    order = order_up(thoracic)
    start = order.index(lowest)
    if start + count > len(order):
        raise InputError(
            f"{count} vertebrae counted upwards from {lowest} would run past C1: "
            f"name the lowest visible vertebra (--lowest) or delete a boundary"
        )
    return order[start : start + count]


def follows(below: str, above: str) -> bool:
    """Whether ``above`` can be the next vertebra over ``below`` in a spine of 11, 12 or 13 thoracic vertebrae."""
    for thoracic in THORACIC_COUNTS:
        order = order_up(thoracic)
        if below in order and above in order and order.index(above) == order.index(below) + 1:
            return True
    return False


def thoracic_count(names: Sequence[str]) -> int:
    """Number of thoracic vertebrae a chain of names stands for, from the lowest up; 12 unless it shows another."""
    if "T13" in names:
        return 13
    return 11 if ("L1", "T11") in itertools.pairwise(names) else 12


def span_of(name: str) -> float:
    """Typical span of a level relative to L4 (``anatomy.LEVELS``)."""
    return LEVEL_BY_NAME[name].span


def thoracic_number(name: str) -> int:
    """12 for ``T12``."""
    return int(name[1:])
