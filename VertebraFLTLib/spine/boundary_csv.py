"""``boundaries.csv``: written exactly, and read back with every cell checked, since people edit it by hand."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundary import AXIAL, BY_USER, SOURCES, Boundary, Vector, unit_normal
from VertebraFLTLib.spine.csv_rows import number_in, read_rows, write_rows
from VertebraFLTLib.spine.levels import check_level, span_of
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.vertebrae import l4_span_mm

if TYPE_CHECKING:
    from VertebraFLTLib.spine.boundaries import BoundarySet

COLUMNS = ("index", "below", "above", "pet_slice", "z_mm", "depth_suv", "confidence", "source")
PLANE_COLUMNS = ("centre_x_mm", "centre_y_mm", "normal_x", "normal_y", "normal_z", "locked", "reviewed")
"""What tables have beside :data:`COLUMNS` since cuts can be oblique; the plane's centre lies at height ``z_mm``."""
UNCHECKED = "level names as in the file"

logger = logging.getLogger(__name__)


def to_csv(boundaries: BoundarySet) -> str:
    """The table, one row per boundary from the lowest up (``index`` from 0); floats by ``repr``, hence exact."""
    return write_rows((*COLUMNS, *PLANE_COLUMNS), (cells_of(i, one) for i, one in enumerate(boundaries.boundaries)))


def cells_of(index: int, one: Boundary) -> tuple[object, ...]:
    """One row, in the order of :data:`COLUMNS` and :data:`PLANE_COLUMNS`; an unknown centre leaves its cells empty."""
    centre: tuple[object, ...] = ("", "") if one.centre_mm is None else one.centre_mm[:2]
    place = (index, one.below, one.above, one.pet_slice, one.z_mm, one.depth_suv, one.confidence, one.source)
    return (*place, *centre, *one.normal, int(one.locked), int(one.reviewed))


def from_csv(text: str, profile: Profile | None = None, name: str = "boundaries.csv") -> BoundarySet:
    """The boundary set of a table.

    ``z_mm`` is what counts: in a row whose ``pet_slice`` is empty, or does not fit ``z_mm`` once ``profile`` is known,
    the slice is computed, and the boundary is taken as the user's. Empty ``depth_suv``, ``confidence`` and ``source``
    stand for 0, 1 and ``user``; ``index`` only has to be a whole number. Tables without :data:`PLANE_COLUMNS`, and
    empty cells in them, stand for an axial plane whose centre is not known, neither locked nor reviewed. The extent of
    the column, and whether it is cut, come from ``profile``; without one it is estimated from the outermost spans and
    taken as cut. How sure the names are is not in the table: ``level_confidence`` is 0 until the caller, who knows,
    replaces it.

    Raises InputError of one line that names row (the header is row 1) and column, or says which rule is broken.
    """
    from VertebraFLTLib.spine.boundaries import BoundarySet

    rows = [_boundary(row, cells, name) for row, cells in read_rows(text, COLUMNS, name, PLANE_COLUMNS)]
    if not rows:
        raise InputError(f"{name}: has no boundaries")
    numbers, bounds = [row for row, _ in rows], [one for _, one in rows]
    for row, one, before in zip(numbers[1:], bounds[1:], bounds[:-1], strict=True):
        if one.z_mm <= before.z_mm:
            raise InputError(f"{name}: row {row}, column z_mm: must be above the row before")
        if one.below != before.above:
            raise InputError(
                f"{name}: row {row}, column below: {one.below}, but the row before has {before.above} above"
            )
    if profile is None:
        for row, one in rows:
            if one.pet_slice != one.pet_slice:
                raise InputError(f"{name}: row {row}, column pet_slice: is empty and no profile says where slices lie")
        bottom, top, cut = *_estimated_extent(bounds), (True, True)
    else:
        bottom, top, cut = *profile.extent_mm, profile.cut
        bounds = [_on_profile(one, profile) for one in bounds]
    try:
        return BoundarySet(tuple(bounds), bottom, top, 0.0, UNCHECKED, *cut, profile)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _boundary(row: int, cells: dict[str, str], name: str) -> tuple[int, Boundary]:
    def number(column: str, if_empty: float | None = None) -> float:
        if not cells[column] and if_empty is not None:
            return if_empty
        return number_in(cells, column, row, name)

    if not number("index", 0.0).is_integer():
        raise InputError(f"{name}: row {row}, column index: {cells['index']!r} is not a whole number")
    below = check_level(cells["below"], f"{name}: row {row}, column below:")
    above = check_level(cells["above"], f"{name}: row {row}, column above:")
    confidence = number("confidence", 1.0)
    if not 0 <= confidence <= 1:
        raise InputError(f"{name}: row {row}, column confidence: {cells['confidence']!r} is not between 0 and 1")
    source = cells["source"] or "user"
    if source not in SOURCES:
        raise InputError(f"{name}: row {row}, column source: {source!r} is none of {', '.join(SOURCES)}")
    z_mm = number("z_mm")
    pet_slice = number("pet_slice", float("nan"))
    reasons = BY_USER if source == "user" else ()
    centre, normal = _plane(cells, row, name, z_mm)
    locked, reviewed = (_tick(cells, column, row, name) for column in PLANE_COLUMNS[-2:])
    depth = number("depth_suv", 0.0)
    return row, Boundary(
        below, above, pet_slice, z_mm, depth, confidence, source, reasons, centre, normal, locked, reviewed
    )


def _plane(cells: dict[str, str], row: int, name: str, z_mm: float) -> tuple[Vector | None, Vector]:
    at, direction = PLANE_COLUMNS[:2], PLANE_COLUMNS[2:5]
    centre, normal = None, AXIAL
    if any(cells[column] for column in at):
        x, y = (number_in(cells, column, row, name) for column in at)
        centre = (x, y, z_mm)
    if any(cells[column] for column in direction):
        x, y, z = (number_in(cells, column, row, name) for column in direction)
        try:
            normal = unit_normal((x, y, z))
        except InputError as error:
            raise InputError(f"{name}: row {row}, columns normal_x to normal_z: {error}") from error
        if z > 0 and abs(math.hypot(x, y, z) - 1.0) < 1e-9:
            normal = (x, y, z)  # as it was written, to the last digit
    if normal != AXIAL and centre is None:
        raise InputError(f"{name}: row {row}, column centre_x_mm: is empty, but the plane is tilted")
    return centre, normal


def _tick(cells: dict[str, str], column: str, row: int, name: str) -> bool:
    if cells[column] not in ("", "0", "1"):
        raise InputError(f"{name}: row {row}, column {column}: {cells[column]!r} is neither 0 nor 1")
    return cells[column] == "1"


def _on_profile(one: Boundary, profile: Profile) -> Boundary:
    expected = profile.axis.slice_at(one.z_mm)
    if abs(one.pet_slice - expected) < 0.005:
        return one
    if one.pet_slice == one.pet_slice:
        logger.info("%s/%s: z_mm was edited, pet_slice follows", one.below, one.above)
    centre, normal = one.centre_mm, one.normal
    if centre is not None and one.pet_slice == one.pet_slice:
        # The plane keeps its tilt and meets the centre line, which its normal follows, at the height that was typed.
        up = one.z_mm - (profile.axis.z0_mm + one.pet_slice * profile.axis.step_mm)
        centre = (centre[0] + up * normal[0] / normal[2], centre[1] + up * normal[1] / normal[2], one.z_mm)
    return replace(one, pet_slice=expected, confidence=1.0, source="user", reasons=BY_USER, centre_mm=centre)


def _estimated_extent(bounds: list[Boundary]) -> tuple[float, float]:
    names = (bounds[0].below, *(one.above for one in bounds))
    scale = l4_span_mm(names, [one.z_mm for one in bounds])
    return bounds[0].z_mm - scale * span_of(names[0]), bounds[-1].z_mm + scale * span_of(names[-1])
