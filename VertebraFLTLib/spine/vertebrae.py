"""From boundaries to vertebrae: which pieces of the column between them, and at its two ends, are a vertebra."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.spine.levels import span_of

ADULT_L4_SPAN_MM = 36.0
"""Typical span of L4 in an adult, body and disc, where the column itself says nothing (body about 27, disc about 9)."""

SLIVER = 0.25  # an end piece below this share of its expected span is no vertebra but the rim of one
SHORT = 0.70  # below this share it is one of which a part is missing
MORE_THAN_ONE = 1.6  # above this share it holds more than one vertebra, and no single name is right


@dataclass(frozen=True)
class Vertebra:
    """One vertebra between two boundaries, or between one and an end of the column; unpacks as (level, low, high).

    ``complete`` is False where the vertebra is not wholly seen, ``reason`` says why.
    """

    level: str
    z_low_mm: float
    z_high_mm: float
    complete: bool = True
    reason: str = ""

    def __iter__(self) -> Iterator[str | float]:
        return iter((self.level, self.z_low_mm, self.z_high_mm))


def l4_span_mm(names: Sequence[str], z_mm: Sequence[float]) -> float:
    """What L4 would span in this column (mm): median of span / typical relative span over the bounded vertebrae.

    ``names``: vertebrae from the lowest up, one more than boundaries ``z_mm``. Fewer than two boundaries: an adult's.
    """
    spans = np.diff(np.asarray(z_mm, dtype=float))
    if len(spans) == 0:
        return ADULT_L4_SPAN_MM
    return float(np.median(spans / [span_of(name) for name in names[1:-1]]))


def vertebrae_between(
    names: Sequence[str],
    z_mm: Sequence[float],
    bottom_z_mm: float,
    top_z_mm: float,
    bottom_cut: bool = False,
    top_cut: bool = False,
) -> list[Vertebra]:
    """The vertebrae from the lowest up.

    Between two boundaries there is always one. The piece below the first boundary (the thesis: L5, from the first slice
    of the column) and the piece above the last count as a vertebra when their length fits one: a rim of less than a
    quarter of the expected span is left out, and so is a piece of more than 1.6 times the span, which holds several
    (the thesis stops at T1/C7 with the whole neck above it). A piece at a cut end, or below 0.7 of the expected span,
    is marked as incomplete.
    """
    if len(z_mm) == 0:
        return []
    scale = l4_span_mm(names, z_mm)
    inner = [Vertebra(n, lo, hi) for n, lo, hi in zip(names[1:-1], z_mm[:-1], z_mm[1:], strict=True)]
    lower = _end_piece(names[0], bottom_z_mm, z_mm[0], bottom_cut, scale)
    upper = _end_piece(names[-1], z_mm[-1], top_z_mm, top_cut, scale)
    return [*lower, *inner, *upper]


def _end_piece(name: str, low: float, high: float, cut: bool, scale: float) -> list[Vertebra]:
    share = (high - low) / (scale * span_of(name))
    room = MORE_THAN_ONE
    if name == "C2":  # no disc parts C1 from it: both may stand in one piece
        room *= 1 + span_of("C1") / span_of("C2")
    if not SLIVER <= share <= room:
        return []
    if cut:
        return [Vertebra(name, low, high, False, "cut by the end of the field of view")]
    if share < SHORT:
        return [Vertebra(name, low, high, False, f"the column mask ends at {share:.0%} of the expected span")]
    return [Vertebra(name, low, high)]
