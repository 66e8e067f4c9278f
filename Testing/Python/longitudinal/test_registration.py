"""A simulated patient who lies differently on each day: where day 28's discs are found on days -1 and 7."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.column import column_of, column_profile, vertebra_mask
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.longitudinal.carry import carry
from VertebraFLTLib.longitudinal.registration import Scan, register
from VertebraFLTLib.pipeline import find_boundaries
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.result import Options
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet

EARLIER = pytest.mark.parametrize("day", [-1, 7])


def discs(patient, what):
    return np.array([getattr(b, what) for b in patient.boundaries if b.below != "S1"])


@EARLIER
def test_discs_are_carried_to_within_a_millimetre(days, registered, day):
    carried = registered[day].carried(discs(days[28], "centre"))
    apart = carried - discs(days[day], "centre")
    assert np.abs(apart[:, 2]).max() < 1.2
    assert np.linalg.norm(apart[:-1], axis=1).max() < 2.5  # the atlas is no body: its middle is not the line's
    rigid = registered[day].rigid.placed(discs(days[28], "centre")) - discs(days[day], "centre")
    assert np.linalg.norm(rigid, axis=1).max() > 4.0  # that is what bending along the line is for


@EARLIER
def test_their_planes_turn_with_the_spine(days, registered, day):
    turned = registered[day].turned(discs(days[28], "normal"), discs(days[28], "centre"))
    cosine = np.sum(turned * discs(days[day], "normal"), axis=1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 4.0
    before = np.sum(discs(days[28], "normal") * discs(days[day], "normal"), axis=1)
    assert np.degrees(np.arccos(before.clip(-1, 1))).max() > 5.0


@EARLIER
def test_it_says_that_it_fits(registered, day):
    found = registered[day]
    assert found.rigid.pelvis
    assert found.rigid.dice > 0.8
    assert found.dice > 0.88
    assert found.slide.overall > found.slide.rival + 0.2


@EARLIER
def test_suv_of_every_vertebra_is_within_8_percent(days, scans, registered, day):
    """Acceptance: boundaries of day 28, as detected there, carried to a day of a tenth of its uptake."""
    reference, patient = days[28], days[day]
    _, found = find_boundaries(reference.pet_suv, reference.semantic, scans[28].column, Options())
    profile = column_profile(patient.pet_suv, patient.semantic, scans[day].column)
    carried = carry(found, registered[day], profile)
    assert carried.names == found.names
    assert {b.source for b in carried.boundaries} == {"carried"}
    truth = [
        Boundary(b.below, b.above, b.pet_slice, b.z_mm, 0.0, 1.0, "user", centre_mm=b.centre, normal=b.normal)
        for b in patient.boundaries[1:]
    ]
    true_set = BoundarySet(tuple(truth), *profile.extent_mm)

    def means(pet, bounds):
        vertebrae = vertebra_mask(patient.semantic, scans[day].column, bounds, profile.spacing_mm)
        return {r.roi: r.suv_mean for r in measure(pet, patient.semantic, vertebrae, bounds) if r.roi[1:].isdigit()}

    measured, expected = means(patient.pet_suv, carried), means(patient.pet_truth_suv, true_set)
    assert len(measured) == 24
    assert max(abs(measured[roi] / expected[roi] - 1) for roi in measured) < 0.08


def cropped(patient, low, high):
    """A scan of a part of the body: slices from ``low`` to ``high``."""
    ct, semantic = (image[:, :, low:high] for image in (patient.ct, patient.semantic))
    return Scan(ct, semantic, column_of(semantic))


def test_scans_of_other_parts_of_the_body_are_refused(days):
    legs_to_loin, neck = cropped(days[28], 0, 55), cropped(days[7], 125, 167)
    with pytest.raises(InputError) as refused:
        register(legs_to_loin, neck)
    assert "\n" not in str(refused.value)
    assert any(words in str(refused.value) for words in ("share only", "registration failed"))


def test_a_part_of_the_spine_is_found_in_the_whole(days, scans):
    """Thorax and upper abdomen only, no pelvis: the levels are found by the bands of bodies and discs."""
    part = cropped(days[7], 65, 125)
    found = register(scans[28], part)
    assert not found.rigid.pelvis
    wanted = discs(days[7], "centre")
    inside = (wanted[:, 2] > 400) & (wanted[:, 2] < 630)
    carried = found.carried(discs(days[28], "centre"))
    assert inside.sum() >= 7
    assert np.abs((carried - wanted)[inside, 2]).max() < 2.0
