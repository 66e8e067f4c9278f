"""Boundaries of one scan carried to another of the same patient, with what is left of their confidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.longitudinal.registration import Registration
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import AXIAL, Boundary, unit_normal
from VertebraFLTLib.spine.name_confidence import by_level
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.valleys import valley_depths

SOURCE = "carried"
BY_BANDS = 0.97  # of a boundary's confidence that is kept where the CTs show the same bodies and discs around it
BY_LENGTH = 0.9  # where they do so elsewhere along the spine, and its length tells the place
BY_MASKS = 0.6  # where only the masks could be laid upon each other
ALIKE = 0.35  # local correlation from which the bands around a boundary count
CLEAR_LEAD = 0.15  # by which the whole signature must fit better here than a vertebra further on
FAR_MM = 2.5  # a local best place this far off says that something is wrong there
POOR_OVERLAP = 0.75
NAMES_BY_BANDS = 0.99  # of the confidence of level names
NAMES_BY_MASKS = {True: 0.8, False: 0.4}  # with the pelvis in both views, and without
RUNS_ON_MM = 10.0  # a column that runs on beyond the reference's end by more than this is cut where that ended


def carry(reference: BoundarySet, registration: Registration, profile: Profile) -> BoundarySet:
    """The reference's boundaries on the follow-up, whose uptake ``profile`` need not show any.

    Tilted planes turn with the spine, axial ones stay axial; locks and ticks are the reference's own and stay there.
    Boundaries outside the follow-up's column are left out; an end at which the reference's column ended inside its
    image is kept too. Raises InputError where no boundary falls into the follow-up's column.
    """
    centres = centres_of(reference, registration)
    s = registration.reference.nearest(centres)
    places = registration.carried(centres)
    normals = registration.turned(np.array([one.normal for one in reference.boundaries]), centres)
    bottom, top = _ends(reference, registration, profile)
    axis = profile.axis
    found = []
    for one, along, place, normal in zip(reference.boundaries, s, places, normals, strict=True):
        z = float(place[2])
        if not bottom < z < top or not _in_view(registration, float(along)):
            continue
        kept, reasons = _trust(registration, float(along))
        found.append(
            Boundary(
                below=one.below,
                above=one.above,
                pet_slice=axis.slice_at(z),
                z_mm=z,
                depth_suv=0.0,
                confidence=one.confidence * kept,
                source=SOURCE,
                reasons=(*one.reasons, *reasons),
                centre_mm=(float(place[0]), float(place[1]), z),
                normal=AXIAL
                if one.normal == AXIAL
                else unit_normal((float(normal[0]), float(normal[1]), float(normal[2]))),
            )
        )
    if not found:
        raise InputError(
            "no vertebra of the reference lies in this scan: none of its boundaries falls into the column of this CT"
        )
    depths, _, _ = valley_depths([one.z_mm for one in found], profile)
    bounds = tuple(replace(one, depth_suv=float(depth)) for one, depth in zip(found, depths, strict=True))
    kept, reason = _names(reference, registration)
    known = by_level(reference)
    sure = tuple(known[name] * kept for name in (bounds[0].below, *(one.above for one in bounds)))
    ends = profile.extent_mm
    # An end that was carried lies inside the view, however far the mask goes on.
    cut = (profile.cut[0] and bottom == ends[0], profile.cut[1] and top == ends[1])
    return BoundarySet(bounds, bottom, top, min(sure), reason, *cut, profile, name_confidence=sure)


def centres_of(reference: BoundarySet, registration: Registration) -> np.ndarray:
    """The middle of each of the reference's boundaries (n, 3), LPS mm; on the centre line where a table has none."""
    line = registration.reference
    return np.array(
        [line.at(line.s_at_height(b.z_mm)) if b.centre_mm is None else b.centre_mm for b in reference.boundaries]
    )


def doubts_of(reference: BoundarySet, carried: BoundarySet, registration: Registration) -> list[str]:
    """What a reader must know of a registration before trusting what was carried by it."""
    found = []
    slide = registration.slide
    if not _leads(registration):
        found.append(
            f"the CTs do not show the same bodies and discs along the spine (correlation {slide.overall:.2f}, "
            f"{slide.rival:.2f} elsewhere): boundaries were placed by the masks alone; make sure that both scans are "
            "of one patient, and that no level was slipped"
        )
    left_out = len(reference.boundaries) - len(carried.boundaries)
    if left_out:
        found.append(
            f"{left_out} of the reference's {len(reference.boundaries)} boundaries lie outside this scan's column"
        )
    over = [
        f"{length:.0f} mm {side} {name}"
        for length, side, name in (
            (carried.boundaries[0].z_mm - carried.bottom_z_mm, "below", carried.boundaries[0].above),
            (carried.top_z_mm - carried.boundaries[-1].z_mm, "above", carried.boundaries[-1].below),
        )
        if length > 80.0
    ]
    if over:
        found.append(
            f"the column goes on {' and '.join(over)}, where the reference has no boundary: not named, not measured"
        )
    return found


def in_words(registration: Registration) -> dict[str, Any]:
    """The registration's figures for the run record."""
    rigid, slide = registration.rigid, registration.slide
    inside = slice(registration.reference.first, registration.reference.last + 1)
    return {
        "rigid_dice": round(rigid.dice, 4),
        "rotation_deg": round(rigid.turn_deg, 2),
        "rotation_matrix": np.round(rigid.matrix, 6).tolist(),
        "offset_mm": np.round(rigid.offset_mm, 3).tolist(),
        "pelvis_in_both": rigid.pelvis,
        "column_dice": round(registration.dice, 4),
        "signature_correlation": round(slide.overall, 3),
        "signature_correlation_elsewhere": round(slide.rival, 3),
        "bending_mm": round(float(np.ptp(slide.shift_mm[inside])), 2),
    }


def _ends(reference: BoundarySet, registration: Registration, profile: Profile) -> tuple[float, float]:
    """Lower and upper end of the column: the profile's, or the reference's where the mask runs on beyond it."""
    bottom, top = profile.extent_mm
    ends = registration.reference.s_at_height(np.array([reference.bottom_z_mm, reference.top_z_mm]))
    low, high = (float(point[2]) for point in registration.carried(registration.reference.at(ends)))
    if not reference.bottom_cut and low - bottom > RUNS_ON_MM:
        bottom = low
    if not reference.top_cut and top - high > RUNS_ON_MM:
        top = high
    return bottom, top


def _in_view(registration: Registration, s: float) -> bool:
    there = float(registration.along(s))
    return registration.follow_up.first < there < registration.follow_up.last


def _leads(registration: Registration) -> bool:
    slide = registration.slide
    return slide.visible and slide.overall - slide.rival >= CLEAR_LEAD


def _trust(registration: Registration, s: float) -> tuple[float, tuple[str, ...]]:
    """The share of a boundary's confidence that is kept at a place along the reference's line, and why not all."""
    slide = registration.slide
    at = int(np.clip(round(s), 0, len(slide.likeness) - 1))
    likeness, bend, overlap = float(slide.likeness[at]), float(slide.bends_mm[at]), float(registration.overlap[at])
    reasons = []
    if not _leads(registration):
        kept = BY_MASKS
        reasons.append("carried by the masks alone")
    elif likeness < ALIKE:
        kept = BY_LENGTH
        reasons.append("carried by length along the spine: discs not seen alike here")
    else:
        kept = BY_BANDS
        if bend > FAR_MM:
            kept *= FAR_MM / bend
            reasons.append(f"discs around it fit best {bend:.1f} mm away")
    if overlap < POOR_OVERLAP:
        kept *= max(overlap / POOR_OVERLAP, 0.1)
        reasons.append(f"the columns overlap by {overlap:.2f} (Dice) here")
    return kept, tuple(reasons)


def _names(reference: BoundarySet, registration: Registration) -> tuple[float, str]:
    """The share of the names' confidence that is kept, less the chance of a slip by a level, and why."""
    kept = NAMES_BY_BANDS if _leads(registration) else NAMES_BY_MASKS[registration.rigid.pelvis]
    reason = f"carried from another day ({reference.level_reason})" if reference.level_reason else "carried"
    if kept < NAMES_BY_BANDS:
        reason += "; a slip by one level is not excluded: the CTs do not show the same discs"
    return kept, reason
