"""The boundaries as a table shows them, with what a reader asks first: which have to be looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from VertebraFLTLib.anatomy import Color
from VertebraFLTLib.mrml.planes import boundary_color
from VertebraFLTLib.mrml.tables import boundary_name, is_doubtful
from VertebraFLTLib.spine.boundary import Boundary, Vector


@dataclass(frozen=True)
class BoundaryRow:
    """One boundary. ``name``: ``L4/L5``. Angles in degrees: of the plane's normal against the axial plane's, positive
    where it leans backwards (sagittal) or to the patient's left (coronal)."""

    index: int
    name: str
    below: str
    above: str
    z_mm: float
    pet_slice: float
    sagittal_deg: float
    coronal_deg: float
    confidence: float
    doubtful: bool
    reasons: tuple[str, ...]
    source: str
    locked: bool
    reviewed: bool
    color: Color


def rows_of(boundaries: Sequence[Boundary]) -> tuple[BoundaryRow, ...]:
    """One row a boundary, from the lowest up."""
    return tuple(_row(index, boundary) for index, boundary in enumerate(boundaries))


def _row(index: int, b: Boundary) -> BoundaryRow:
    sagittal, coronal = angles_of(b.normal)
    return BoundaryRow(
        index=index,
        name=boundary_name(b),
        below=b.below,
        above=b.above,
        z_mm=b.z_mm,
        pet_slice=b.pet_slice,
        sagittal_deg=sagittal,
        coronal_deg=coronal,
        confidence=b.confidence,
        doubtful=is_doubtful(b),
        reasons=b.reasons,
        source=b.source,
        locked=b.locked,
        reviewed=b.reviewed,
        color=boundary_color(b),
    )


def doubtful_first(rows: Sequence[BoundaryRow]) -> tuple[int, ...]:
    """Indices in the order of reading: the doubtful ones, the least sure first, then the rest from the lowest up."""
    return tuple(row.index for row in sorted(rows, key=lambda row: (not row.doubtful, row.confidence * row.doubtful)))


def next_doubtful(rows: Sequence[BoundaryRow], selected: int | None, step: int) -> int | None:
    """The doubtful boundary next above (``step`` 1) or below (-1) the selected one, going round; None where none is."""
    found = [row.index for row in rows if row.doubtful]
    if not found:
        return None
    if step > 0:
        return ([index for index in found if selected is None or index > selected] or found)[0]
    return ([index for index in found if selected is None or index < selected] or found)[-1]


def angles_of(normal: Vector) -> tuple[float, float]:
    """Sagittal and coronal angle (degrees) of a plane's normal (LPS)."""
    x, y, z = normal
    return math.degrees(math.atan2(y, z)), math.degrees(math.atan2(x, z))


def normal_of(sagittal_deg: float, coronal_deg: float) -> Vector:
    """The normal (LPS, not of unit length) with these angles; 90 degrees and more have none."""
    return math.tan(math.radians(coronal_deg)), math.tan(math.radians(sagittal_deg)), 1.0
