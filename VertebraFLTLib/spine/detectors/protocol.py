"""What every detector takes and gives, and what they share: the check of the profile, and the finished boundary set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.confidence import judge
from VertebraFLTLib.spine.ct_evidence import CtProfile
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.rib_stripes import Ribs
from VertebraFLTLib.spine.signs import Place, signs

__all__ = ["NO_CLUES", "Clues", "Detector", "Place", "check_profile", "finished_set"]

SHORTEST_COLUMN_MM = 30.0
"""Less than one whole lumbar vertebra and its disc: no boundary can be told from an end."""


@dataclass(frozen=True, eq=False)
class Clues:
    """What may be known beside the uptake, None where it is not; a detector heeds what it can use.

    ``lowest``: name of the lowest vertebra in view; ``sacrum_top_z_mm``: upper end of the sacrum in the CT mask;
    ``ct``: what the CT shows along the column; ``ribs``: what it shows beside it.
    """

    lowest: str | None = None
    sacrum_top_z_mm: float | None = None
    ct: CtProfile | None = None
    ribs: Ribs | None = None


NO_CLUES = Clues()


class Detector(Protocol):
    """Finds the boundaries between the vertebrae of a column."""

    name: str

    def detect(self, profile: Profile, clues: Clues = NO_CLUES) -> BoundarySet:
        """Boundaries from the lowest up. Raises InputError where a profile holds no boundary that can be found."""
        ...


def check_profile(profile: Profile) -> None:
    """Refuse a profile in which no detector can find anything. Raises InputError saying what to do."""
    bottom, top = profile.extent_mm
    if top - bottom < SHORTEST_COLUMN_MM:
        raise InputError(
            f"the column spans only {top - bottom:.0f} mm of the PET: no boundary between two vertebrae can be found; "
            f"check the mask and that CT and PET overlap"
        )
    if len(profile.column()[0]) < 5:
        raise InputError(
            f"the PET slices are {profile.spacing_mm:.0f} mm apart: too few for the column to show its vertebrae"
        )
    if float(profile.column()[1].max()) <= 0:
        raise InputError("the PET is zero all along the column: no boundary can be found; check the PET and its units")


def finished_set(
    profile: Profile, names: Sequence[str], places: Sequence[Place], source: str, level: tuple[float, str] = (0.0, "")
) -> BoundarySet:
    """A detector's boundaries with depth, confidence and reasons.

    ``names``: vertebrae from the lowest up, one more than ``places``; ``source``: the detector's name; ``level``:
    confidence of the names and why.
    """
    bottom, top = profile.extent_mm
    axis = profile.axis
    judged = judge(signs(names, profile, places))
    bounds = [
        Boundary(
            below=names[i],
            above=names[i + 1],
            pet_slice=axis.slice_at(float(one.z_mm)),
            z_mm=float(one.z_mm),
            depth_suv=found.depth_suv,
            confidence=found.confidence * one.trust,
            source=one.source or source,
            reasons=found.reasons + one.reasons,
        )
        for i, (one, found) in enumerate(zip(places, judged, strict=True))
    ]
    return BoundarySet(tuple(bounds), bottom, top, level[0], level[1], *profile.cut, profile)
