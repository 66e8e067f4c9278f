"""The CT's vote: dips between endplates speak for discs, dark bodies do not; it places what a flat PET cannot."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.spine.ct_evidence import MOST, CtEvidence, CtProfile, ct_profile
from VertebraFLTLib.spine.detectors import get_detector
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
    found = get_detector("span-prior").detect(profile, sacrum_top_z_mm=sacrum, ct=ct)
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
        flat_pet(beads, np.random.default_rng(0)), sacrum_top_z_mm=beads.profile.extent_mm[0] - 8.0
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
    found = get_detector("span-prior").detect(beads.profile, sacrum_top_z_mm=sacrum, ct=shifted)
    at = {(b.below, b.above): b.z_mm for b in found.boundaries}
    pairs = zip(beads.names[:-1], beads.names[1:], strict=True)
    assert max(abs(at[p] - z) for p, z in zip(pairs, beads.z_mm, strict=True)) <= 4.0
    assert {b.source for b in found.boundaries} == {"span-prior"}
