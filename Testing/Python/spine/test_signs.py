"""What a boundary's confidence rests on: what placed it, and that neither chance valleys nor density make one sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from VertebraFLTLib.spine.calibration import BOUNDARY, INTERCEPT
from VertebraFLTLib.spine.confidence import MOST, MOST_BY_DENSITY, chances, judge
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.signs import Place, is_flat, signs


def flattened(profile: Profile) -> Profile:
    noise = 1.0 + 0.01 * np.random.default_rng(2).standard_normal(len(profile.z_mm))
    return replace(profile, mean_suv=np.where(profile.voxels > 0, 0.5 * noise, 0.0))


def test_what_placed_a_boundary_decides_on_its_calibration(make_beads):
    beads = make_beads(1)
    places = [Place(float(z)) for z in beads.z_mm]
    places[2:6] = [
        replace(places[2], source="prior"),
        replace(places[3], source="ct", discs=8.0),
        replace(places[4], source="ct", ct=5.0),
        replace(places[5], discs=8.0),  # the CT agrees, the valley placed it
    ]
    by = signs(beads.names, beads.profile, places).placed_by
    assert by[2:6] == ("prior", "discs", "density", "valley") and set(by[6:]) == {"valley"}


def test_in_a_flat_pet_a_valley_is_chance_whoever_chose_it(make_beads):
    beads = make_beads(1)
    places = [Place(float(z)) for z in beads.z_mm]
    clear, flat = (signs(beads.names, p, places) for p in (beads.profile, flattened(beads.profile)))
    assert not is_flat(clear.valleys) and is_flat(flat.valleys)
    assert set(flat.placed_by) == {"prior"}
    assert np.median(chances(clear)) > 0.95 and chances(flat).max() < 0.7


def test_on_a_flat_pet_discs_make_a_boundary_sure_and_density_does_not(make_beads):
    beads = make_beads(1)
    profile = flattened(beads.profile)
    by_discs = [Place(float(z), "ct", discs=9.0) for z in beads.z_mm]
    by_density = [Place(float(z), "ct", ct=6.0) for z in beads.z_mm]
    sure, guessed = (chances(signs(beads.names, profile, places)) for places in (by_discs, by_density))
    assert sure.min() > 0.9 and sure.max() <= MOST
    assert np.median(guessed) > 0.5 and guessed.max() <= MOST_BY_DENSITY
    assert all(not e.reasons for e in judge(signs(beads.names, profile, by_discs)))


def test_a_peak_that_is_cold_on_one_side_makes_a_valley_less_sure(make_beads):
    beads = make_beads(2, noise=0.005, uptake_sd=0.0)
    p, at = beads.profile, beads.z_mm[6]
    cold = (p.z_mm > at + 6.0) & (p.z_mm < beads.z_mm[7] - 6.0)
    lesion = replace(p, mean_suv=np.where(cold, 0.6 * p.mean_suv, p.mean_suv))
    places = [Place(float(z)) for z in beads.z_mm]
    before, after = (signs(beads.names, profile, places) for profile in (p, lesion))
    assert after.unlike[6] == pytest.approx(0.25, abs=0.07) and before.unlike[6] < 0.05
    # Both are clipped at MOST: what is compared is what the weights say before that.
    odds = [sum(w * s.features[n][6] for n, w in BOUNDARY["valley"].items() if n != INTERCEPT) for s in (before, after)]
    assert odds[1] < odds[0] - 0.2


def test_every_sign_of_the_calibrations_is_known(make_beads):
    beads = make_beads(0)
    features = signs(beads.names, beads.profile, [Place(float(z)) for z in beads.z_mm]).features
    assert {name for weights in BOUNDARY.values() for name in weights} - {INTERCEPT} == set(features)
    assert all(len(values) == len(beads.z_mm) and np.isfinite(values).all() for values in features.values())
