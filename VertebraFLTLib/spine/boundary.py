"""One border between two vertebrae: a plane across the column, with who placed it and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from VertebraFLTLib.errors import InputError

Vector = tuple[float, float, float]
"""Three numbers in LPS: to the patient's left, back, head."""

AXIAL: Vector = (0.0, 0.0, 1.0)
"""The normal of an axial cut, the thesis's."""

MAX_TILT_DEG = 60.0
"""No disc stands steeper: the lumbosacral one, the steepest, is some 30 to 50 degrees to the table's axial plane."""

SOURCES = ("thesis", "span-prior", "kalman", "ct", "prior", "user", "carried")
BY_USER = ("placed by the user",)


class EditRefused(InputError):
    """An edit that would break order or spacing of the boundaries, their planes or names; the message says why."""


@dataclass(frozen=True)
class Boundary:
    """The border between two vertebrae, the middle plane of their disc.

    ``below``, ``above``: level names; ``pet_slice``: slice index with fraction; ``z_mm``: height at which the plane
    meets the column's centre line (superior coordinate); ``depth_suv``: mean of the two neighbouring uptake peaks minus
    the valley (SUV); ``confidence``: 0 to 1, that it lies within one PET slice; ``source``: a detector's name,
    ``ct`` or ``prior`` where the PET shows no valley and the CT or the span prior alone placed it, ``carried`` from
    another day, or ``user``; ``reasons``: why the confidence is not higher.

    ``centre_mm``: where the plane meets the centre line (LPS; its third number is ``z_mm``), None where no centre line
    is known, as a detector leaves it; the plane is then axial. ``normal``: unit normal of the plane towards the head.
    ``locked``: refuses to be moved, tilted or deleted; ``reviewed``: ticked by a reader.

    Raises ValueError where centre and height disagree or the normal is no unit vector towards the head.
    """

    below: str
    above: str
    pet_slice: float
    z_mm: float
    depth_suv: float
    confidence: float
    source: str
    reasons: tuple[str, ...] = ()
    centre_mm: Vector | None = None
    normal: Vector = AXIAL
    locked: bool = False
    reviewed: bool = False

    def __post_init__(self) -> None:
        if self.centre_mm is not None and self.centre_mm[2] != self.z_mm:
            raise ValueError(f"the plane's centre lies at {self.centre_mm[2]} mm, the boundary at {self.z_mm} mm")
        if self.normal != AXIAL:
            if self.centre_mm is None:
                raise ValueError("a tilted boundary needs its centre: where the plane meets the column's centre line")
            if abs(math.hypot(*self.normal) - 1.0) > 1e-6 or not self.normal[2] > 0:
                raise ValueError(f"{self.normal} is no unit vector towards the head")

    @property
    def label(self) -> str:
        """What it is called: ``L5/L4``."""
        return f"{self.below}/{self.above}"

    @property
    def tilt_deg(self) -> float:
        """Angle between this plane and the axial one, in degrees."""
        return math.degrees(math.acos(min(1.0, self.normal[2])))


def unit_normal(normal: Vector) -> Vector:
    """The unit vector along ``normal``, turned towards the head if need be.

    Raises EditRefused where it is no direction, or steeper than a disc can be.
    """
    x, y, z = (float(part) for part in normal)
    length = math.hypot(x, y, z)
    if not (math.isfinite(length) and length > 1e-9):
        raise EditRefused(f"({x:g}, {y:g}, {z:g}) is no direction for a boundary's normal")
    if z < 0:
        length = -length
    x, y, z = x / length, y / length, z / length
    if z < math.cos(math.radians(MAX_TILT_DEG)):
        raise EditRefused(
            f"a boundary tilted by {math.degrees(math.acos(z)):.0f} degrees against the axial plane is no disc: "
            f"at most {MAX_TILT_DEG:g} are allowed"
        )
    return AXIAL if x == 0 == y else (x, y, z)
