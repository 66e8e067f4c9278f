"""Boundaries on the simulated patient: the column as the pipeline makes it, against the true disc centres."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.phantom import PhantomCase, PhantomSize, make_phantom
from VertebraFLTLib.spine.cleanup import regularise_column
from VertebraFLTLib.spine.detectors import get_detector
from VertebraFLTLib.spine.detectors.protocol import Clues
from VertebraFLTLib.spine.profile import Profile, uptake_profile

SEEDS = range(20)
# The spine and a hand's breadth around it, on the slices of a whole-body examination: quicker to simulate.
AROUND_THE_SPINE = PhantomSize(
    (64, 76, 167), (3.0, 3.0, 5.0), (48, 56, 209), (4.0, 4.0, 4.0), ct_bottom_mm=45.0, pet_subdivision=(1, 1, 2)
)


@functools.lru_cache(maxsize=64)
def case_profile(seed: int, day: int = 28) -> tuple[Profile, tuple, float]:
    """Profile inside the true CT mask, the true boundaries between vertebrae, and the upper end of the sacrum."""
    case: PhantomCase = make_phantom(seed, day=day, size=AROUND_THE_SPINE)
    semantic = sitk.GetArrayViewFromImage(case.semantic)
    column = sitk.GetImageFromArray(
        regularise_column(semantic == 1, case.semantic.GetSpacing()[::-1]).astype(np.float32)
    )
    column.CopyInformation(case.semantic)
    on_pet = sitk.Resample(column, case.pet_suv, sitk.Transform(), sitk.sitkLinear, 0.0)
    pet = sitk.GetArrayViewFromImage(case.pet_suv)
    z = case.pet_suv.GetOrigin()[2] + case.pet_suv.GetSpacing()[2] * np.arange(len(pet))
    profile = uptake_profile(pet, sitk.GetArrayViewFromImage(on_pet) >= 0.5, z.reshape(-1, 1, 1))
    slices = np.flatnonzero((semantic == 4).any(axis=(1, 2)))
    sacrum = case.semantic.GetOrigin()[2] + case.semantic.GetSpacing()[2] * slices[-1]
    return profile, tuple((b.below, b.above, b.z_mm) for b in case.boundaries if b.below != "S1"), float(sacrum)


def errors(detector: str, seed: int, day: int = 28) -> dict[str, float]:
    """Error of each true boundary in PET slices, by the level below it; infinite where it was not found."""
    profile, truth, sacrum = case_profile(seed, day)
    found = get_detector(detector).detect(profile, Clues(sacrum_top_z_mm=sacrum))
    at = {(b.below, b.above): b.z_mm for b in found.boundaries}
    return {below: abs(at.get((below, above), np.inf) - z) / profile.spacing_mm for below, above, z in truth}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_thesis_detector_is_within_a_slice_from_l5_to_t4(seed: int):
    found = errors("thesis", seed)
    levels = [name for name in found if name[0] == "L" or (name[0] == "T" and int(name[1:]) >= 4)]
    assert len(levels) == 14
    assert max(found[name] for name in levels) <= 1.0


def test_the_span_prior_beats_the_published_error_and_reaches_the_neck():
    every = [errors("span-prior", seed) for seed in SEEDS]
    trunk = np.array([e for one in every for name, e in one.items() if name[0] in "LT"])
    neck = np.array([e for one in every for name, e in one.items() if name[0] == "C" and name != "C2"])
    assert np.sqrt(np.mean(trunk**2)) < 0.25  # published, greedy on whole slices: 0.361
    assert np.mean(trunk <= 1.0) >= 0.995
    assert np.mean(neck <= 1.0) >= 0.95


@pytest.mark.parametrize("seed", range(3))
def test_a_week_after_the_transplant_boundaries_are_still_found(seed: int):
    found = errors("span-prior", seed, day=7)
    assert max(e for name, e in found.items() if name[0] in "LT") <= 1.0
