"""The CT's vote: dips between endplates speak for discs, dark bodies do not; it places what a flat PET cannot."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.spine.ct_evidence import DISC_MOST, MOST, NO_DISC, CtEvidence, CtProfile, ct_profile
from VertebraFLTLib.spine.detectors import get_detector
from VertebraFLTLib.spine.detectors.protocol import Clues
from VertebraFLTLib.spine.disc_track import DiscTrack
from VertebraFLTLib.spine.profile import Profile


def density(z: np.ndarray, discs: np.ndarray, body_hu: float = 120.0) -> np.ndarray:
    """Dark bodies, bright endplates 6 mm from the middle of each disc, discs of 70 HU."""
    away = np.abs(z[:, None] - discs[None]).min(axis=1)
    return np.where(away < 4.0, 70.0, np.where(away < 8.0, 320.0, body_hu))


def test_a_disc_is_a_dip_between_endplates_and_a_dark_body_is_none():
    discs = np.arange(120.0, 400.0, 35.0)
    z = np.arange(100.0, 400.0, 2.0)
    evidence = CtEvidence(CtProfile(z, density(z, discs, body_hu=60.0), np.ones(len(z))), z)
    score = evidence.score(35.0)
    assert all(score[np.abs(z - disc) <= 2.0].max() > 3.0 for disc in discs[1:-1])
    assert all(score[np.abs(z - disc - 17.5) <= 6.0].max() == 0.0 for disc in discs[1:-2])
    assert score.max() <= MOST and score.min() == 0.0
    assert evidence.middle(158.0, 35.0) == pytest.approx(155.0, abs=1.0)


def test_slices_that_mask_nothing_speak_where_there_is_no_ct():
    z = np.arange(0.0, 200.0, 3.0)
    body = np.where(np.abs(z - 99.0) < 4.0, 0.1, 1.0)
    evidence = CtEvidence(CtProfile(z, np.full(len(z), np.nan), body), z)
    score = evidence.score(30.0)
    assert abs(z[score.argmax()] - 99.0) <= 3.0 and score.max() > 3.0
    assert CtEvidence(CtProfile(z, np.full(len(z), np.nan), np.ones(len(z))), z).score(30.0).max() == 0.0


def test_the_core_follows_a_curved_column_and_leaves_out_its_wall():
    z = 10.0 + 3.0 * np.arange(40)
    column = np.zeros((40, 60, 50), bool)
    hu = np.full(column.shape, 900, np.int16)
    y, x = np.ogrid[:60, :50]
    for k in range(40):
        j = 25 + 8 * np.sin(k / 12)
        column[k] = np.hypot(y - j, x - 25) <= 8
        hu[k][np.hypot(y - j, x - 25) <= 6] = 150  # the wall is bright, and so is all around
    bodies = column.copy()
    bodies[20] = False
    found = ct_profile(column, bodies, z, (2.0, 2.0), hu)
    assert found is not None
    np.testing.assert_allclose(found.hu, 150.0, atol=20.0)
    assert found.body[20] == 0.0 and np.delete(found.body, 20).min() == 1.0
    np.testing.assert_allclose(found.z_mm, z)
    turned = ct_profile(column[::-1], bodies[::-1], z[::-1], (2.0, 2.0), hu[::-1])
    assert turned is not None
    np.testing.assert_allclose(turned.body, found.body)
    assert ct_profile(column[:3], bodies[:3], z[:3], (2.0, 2.0)) is None


def flat_pet(beads, rng: np.random.Generator) -> Profile:
    """The same column without any contrast: the day before the transplant."""
    p = beads.profile
    noise = 0.5 * (1 + 0.01 * rng.standard_normal(len(p.z_mm)))
    return Profile(p.pet_slice, p.z_mm, np.where(p.voxels > 0, noise, 0.0), p.voxels)


def test_on_a_flat_pet_the_ct_places_the_boundaries_and_says_so(make_beads):
    beads = make_beads(1)
    z = np.arange(beads.profile.extent_mm[0], beads.profile.extent_mm[1], 2.0)
    ct = CtProfile(z, density(z, beads.z_mm), np.ones(len(z)))
    profile = flat_pet(beads, np.random.default_rng(0))
    sacrum = beads.profile.extent_mm[0] - 8.0
    found = get_detector("span-prior").detect(profile, Clues(sacrum_top_z_mm=sacrum, ct=ct))
    at = {(b.below, b.above): b for b in found.boundaries}
    lumbar = [
        (at[pair], z)
        for pair, z in zip(zip(beads.names[:-1], beads.names[1:], strict=True), beads.z_mm, strict=True)
        if pair[0][0] == "L"
    ]
    assert all(abs(b.z_mm - z) <= 4.0 for b, z in lumbar)
    assert sum(b.source == "ct" for b, _ in lumbar) >= 4
    assert any("placed by the CT" in r for b, _ in lumbar for r in b.reasons)


def test_on_a_flat_pet_without_ct_the_prior_places_them_and_says_so(make_beads):
    beads = make_beads(1)
    found = get_detector("span-prior").detect(
        flat_pet(beads, np.random.default_rng(0)), Clues(sacrum_top_z_mm=beads.profile.extent_mm[0] - 8.0)
    )
    by_prior = [b for b in found.boundaries if b.source == "prior"]
    assert len(by_prior) >= 0.5 * len(found.boundaries)
    assert all("placed by the span prior" in b.reasons for b in by_prior)
    assert max(b.confidence for b in by_prior) < 0.9


def test_a_clear_pet_is_not_overruled_by_a_ct_that_lies_elsewhere(make_beads):
    beads = make_beads(2)
    z = np.arange(beads.profile.extent_mm[0], beads.profile.extent_mm[1], 2.0)
    shifted = CtProfile(z, density(z, beads.z_mm + 5.0), np.ones(len(z)))
    sacrum = beads.profile.extent_mm[0] - 8.0
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum, ct=shifted))
    at = {(b.below, b.above): b.z_mm for b in found.boundaries}
    pairs = zip(beads.names[:-1], beads.names[1:], strict=True)
    assert max(abs(at[p] - z) for p, z in zip(pairs, beads.z_mm, strict=True)) <= 4.0
    assert {b.source for b in found.boundaries} == {"span-prior"}


def discs_at(places: np.ndarray, extent: tuple[float, float], most: float = 0.9) -> CtProfile:
    """A CT of thick slices that shows nothing, and a network that sees discs 5 mm high all the same."""
    z = np.arange(extent[0], extent[1], 1.0)
    share = most * np.exp(-0.5 * (np.abs(z[:, None] - places[None]).min(axis=1) / 2.0) ** 2)
    return CtProfile.of_discs(DiscTrack(z, share))


def test_a_networks_discs_speak_for_a_disc_and_against_one():
    discs = np.arange(120.0, 400.0, 35.0)
    z = np.arange(110.0, 400.0, 2.0)
    evidence = CtEvidence(discs_at(discs, (100.0, 400.0)), z)
    score = evidence.score(35.0)
    assert evidence.knows_discs
    assert all(score[np.abs(z - disc) <= 2.0].max() > 4.0 for disc in discs)
    assert all(score[np.abs(z - disc - 17.5) <= 5.0].max() <= -0.9 * NO_DISC for disc in discs[:-1])
    assert score.min() >= -NO_DISC and score.max() <= DISC_MOST
    assert evidence.middle(158.0, 35.0) == pytest.approx(155.0, abs=0.5)
    faint = CtEvidence(discs_at(discs, (100.0, 400.0), most=0.3), z).score(35.0)
    assert 0.5 < faint.max() < score.max()


def test_on_a_flat_pet_the_networks_discs_place_nearly_all(make_beads):
    beads = make_beads(3)
    extent = beads.profile.extent_mm
    profile = flat_pet(beads, np.random.default_rng(3))
    found = get_detector("span-prior").detect(
        profile, Clues(sacrum_top_z_mm=extent[0] - 8.0, ct=discs_at(beads.z_mm, extent))
    )
    at = {(b.below, b.above): b for b in found.boundaries}
    pairs = list(zip(beads.names[:-1], beads.names[1:], strict=True))
    assert all(abs(at[p].z_mm - z) <= 2.0 for p, z in zip(pairs, beads.z_mm, strict=True))
    assert {at[p].source for p in pairs} == {"ct"}


def test_where_the_pet_fails_a_disc_is_moved_as_pet_and_ct_lie_apart(make_beads):
    beads = make_beads(4, noise=0.005)
    p, cold = beads.profile, beads.z_mm[5]
    suv = p.mean_suv.copy()
    hidden = np.abs(p.z_mm - cold) < 16.0  # a lesion over both sides of one disc
    suv[hidden] = suv[hidden].max()
    profile = Profile(p.pet_slice, p.z_mm, suv, p.voxels)
    ct = discs_at(beads.z_mm - 5.0, p.extent_mm)  # the PET's content lies 5 mm above the CT's
    found = get_detector("span-prior").detect(profile, Clues(sacrum_top_z_mm=p.extent_mm[0] - 8.0, ct=ct))
    near = min(found.boundaries, key=lambda b: abs(b.z_mm - cold))
    assert near.source == "ct" and near.z_mm == pytest.approx(cold, abs=2.0)
    assert "no valley in the PET: placed by the CT" in near.reasons
    others = [b for b in found.boundaries if b is not near]
    assert sum(b.source == "span-prior" for b in others) >= len(others) - 2


def test_a_boundary_where_the_ct_shows_no_disc_is_said_to_be_one(make_beads):
    beads = make_beads(2)
    ct = discs_at(np.delete(beads.z_mm, 8), beads.profile.extent_mm)
    sacrum = beads.profile.extent_mm[0] - 8.0
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum, ct=ct))
    doubted = [b for b in found.boundaries if "the CT shows no disc here" in b.reasons]
    assert [round(abs(b.z_mm - beads.z_mm[8])) for b in doubted if b.above != "C1"] in ([0], [1])
    sure = get_detector("span-prior").detect(
        beads.profile, Clues(sacrum_top_z_mm=sacrum, ct=discs_at(beads.z_mm, beads.profile.extent_mm))
    )
    assert doubted[0].confidence <= min(b.confidence for b in sure.boundaries if b.label == doubted[0].label)
