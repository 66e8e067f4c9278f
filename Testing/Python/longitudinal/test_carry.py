"""What of a boundary is carried: place, name, and as much confidence as the registration deserves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.longitudinal.along import Slide
from VertebraFLTLib.longitudinal.carry import carry, doubts_of
from VertebraFLTLib.longitudinal.registration import Registration
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.profile import Profile

HEIGHTS = (40.0, 76.0, 110.0, 142.0, 172.0, 200.0)
NAMES = ("L5", "L4", "L3", "L2", "L1", "T12", "T11")


@pytest.fixture
def reference():
    bounds = tuple(
        Boundary(below, above, z / 4, z, 1.0, 0.9, "span-prior", ("shallow valley",) if z == 110.0 else ())
        for below, above, z in zip(NAMES[:-1], NAMES[1:], HEIGHTS, strict=True)
    )
    return BoundarySet(bounds, 2.0, 226.0, 0.93, "counted from the sacrum")


@pytest.fixture
def registration(straight, unmoved):
    """The same straight spine 10 mm higher; bands agree everywhere."""
    n = len(straight().points_mm)
    fits = Slide(np.zeros(n), np.full(n, 0.9), np.zeros(n), 0.9, 0.3)
    return Registration(
        unmoved, straight(), straight(bottom_mm=10.0), fits, np.broadcast_to(np.eye(3), (n, 3, 3)), np.ones(n), 0.95
    )


def profile(low=12.0, high=236.0, start=-40.0, stop=400.0):
    z = np.arange(start, stop, 4.0)
    return Profile(np.arange(len(z), dtype=float), z, np.full(len(z), 0.6), ((z > low) & (z < high)).astype(int) * 50)


def changed(registration, **slide):
    return replace(registration, slide=replace(registration.slide, **slide))


def test_places_and_names_follow_the_spine(reference, registration):
    carried = carry(reference, registration, profile())
    assert carried.names == NAMES
    assert [b.z_mm for b in carried.boundaries] == pytest.approx([z + 10.0 for z in HEIGHTS])
    assert [b.pet_slice for b in carried.boundaries] == pytest.approx([(z + 50.0) / 4 for z in HEIGHTS])
    assert all(0.8 < b.confidence < 0.9 for b in carried.boundaries)
    assert carried.boundaries[2].reasons == ("shallow valley",)
    assert carried.level_confidence == pytest.approx(0.93 * 0.99)
    assert "counted from the sacrum" in carried.level_reason
    assert doubts_of(reference, carried, registration) == []


def test_it_is_a_boundary_set_like_any_other(reference, registration):
    carried = carry(reference, registration, profile())
    again = BoundarySet.from_csv(carried.to_csv(), profile=profile())
    assert again.boundaries[0].source == "carried"
    assert [b.z_mm for b in again.boundaries] == [b.z_mm for b in carried.boundaries]


def test_masks_alone_are_trusted_less(reference, registration):
    n = len(registration.overlap)
    blind = changed(registration, overall=0.1, rival=0.2, likeness=np.zeros(n))
    carried = carry(reference, blind, profile())
    assert all(b.confidence < 0.6 and "masks alone" in " ".join(b.reasons) for b in carried.boundaries)
    assert carried.level_confidence < 0.8
    assert "slip by one level" in carried.level_reason
    assert any("masks alone" in doubt for doubt in doubts_of(reference, carried, blind))
    without_pelvis = replace(blind, rigid=replace(blind.rigid, pelvis=False))
    assert carry(reference, without_pelvis, profile()).level_confidence < 0.5 * carried.level_confidence + 0.01


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"likeness": 0.1}, "length along the spine"),
        ({"bends_mm": 4.0}, "4.0 mm away"),
        ({"overlap": 0.5}, "overlap by 0.50"),
    ],
)
def test_a_bad_stretch_weakens_what_lies_in_it_and_says_why(reference, registration, what, words):
    (name, value), n = next(iter(what.items())), len(registration.overlap)
    usual = {"likeness": 0.9, "bends_mm": 0.0, "overlap": 1.0}[name]
    values = np.where(np.arange(n) < 150, usual, value)  # heights above 130 mm
    bad = replace(registration, overlap=values) if name == "overlap" else changed(registration, **{name: values})
    before, after = carry(reference, registration, profile()), carry(reference, bad, profile())
    for old, new in zip(before.boundaries, after.boundaries, strict=True):
        worse = new.z_mm > 140.0
        assert (new.confidence < old.confidence) == worse
        assert (words in " ".join(new.reasons)) == worse


def test_what_is_out_of_view_is_left_out(reference, registration):
    carried = carry(reference, registration, profile(low=60.0))
    assert carried.names == NAMES[1:]
    assert any("1 of the reference's 6" in doubt for doubt in doubts_of(reference, carried, registration))


def test_no_common_vertebra_is_refused(reference, registration):
    with pytest.raises(InputError, match="no vertebra of the reference"):
        carry(reference, registration, profile(low=290.0, high=330.0))


def test_a_mask_that_runs_on_into_the_sacrum_is_cut_where_the_reference_ended(reference, registration):
    carried = carry(reference, registration, profile(low=-20.0))
    assert carried.bottom_z_mm == pytest.approx(12.0)
    out_of_view = carry(reference, registration, profile(low=-60.0))  # the mask reaches the lowest slice
    assert out_of_view.bottom_z_mm == pytest.approx(12.0) and not out_of_view.bottom_cut
    cut = replace(reference, bottom_cut=True)  # the reference did not see the end
    assert carry(cut, registration, profile(low=-20.0)).bottom_z_mm < -15.0


def test_a_column_that_goes_on_is_said(reference, registration):
    whole = replace(reference, top_cut=True)
    carried = carry(whole, registration, profile(high=330.0))
    assert any("above T12" in doubt for doubt in doubts_of(whole, carried, registration))
    assert carried.vertebrae()[-1].level == "T12"  # what lies above has no name
