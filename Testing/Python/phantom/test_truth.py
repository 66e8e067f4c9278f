"""The phantom's truth: levels in order, discs between bodies, labels on bone, sizes as published."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.anatomy import LEVEL_BY_CODE, LEVEL_BY_NAME, STANDARD_LEVELS
from VertebraFLTLib.phantom import PhantomCase


def _ml_by_value(image: sitk.Image) -> np.ndarray:
    counts = np.bincount(sitk.GetArrayViewFromImage(image).ravel(), minlength=29)
    return counts * float(np.prod(image.GetSpacing())) / 1000


def _centre_z(image: sitk.Image, value: int) -> float:
    k = np.nonzero(sitk.GetArrayViewFromImage(image) == value)[0]
    return image.GetOrigin()[2] + image.GetSpacing()[2] * float(k.mean())


def test_all_24_levels_lie_one_above_the_other(small_case: PhantomCase) -> None:
    names = [level.name for level in STANDARD_LEVELS][::-1]
    assert list(small_case.levels) == names
    found = set(np.unique(sitk.GetArrayViewFromImage(small_case.vertebrae))) - {0}
    assert found == {LEVEL_BY_NAME[name].code for name in names}
    heights = [_centre_z(small_case.vertebrae, LEVEL_BY_NAME[name].code) for name in names]
    assert np.all(np.diff(heights) > 8.0)


def test_boundaries_run_from_the_sacrum_to_the_atlas(small_case: PhantomCase) -> None:
    first, *_, last = small_case.boundaries
    assert (first.below, first.above) == ("S1", "L5")
    assert (last.below, last.above) == ("C2", "C1")
    for lower, upper in zip(small_case.boundaries, small_case.boundaries[1:], strict=False):
        assert lower.above == upper.below
        assert lower.z_mm < upper.z_mm


def test_disc_centres_lie_between_their_bodies_and_outside_them(small_case: PhantomCase) -> None:
    vertebrae = small_case.vertebrae
    for boundary in small_case.boundaries[1:-1]:
        below, above = (LEVEL_BY_NAME[n].code for n in (boundary.below, boundary.above))
        assert _centre_z(vertebrae, below) < boundary.z_mm < _centre_z(vertebrae, above)
        centre, normal = np.array(boundary.centre), np.array(boundary.normal)
        assert np.linalg.norm(normal) == pytest.approx(1.0, abs=1e-9)
        assert centre[2] == boundary.z_mm
        # Walking 10 mm along the normal from the disc's centre leads into the upper body, the other way into the lower.
        for code, sign in ((above, 1.0), (below, -1.0)):
            index = vertebrae.TransformPhysicalPointToIndex((centre + sign * 10.0 * normal).tolist())
            assert vertebrae[index] == code, boundary


def test_pet_slices_of_the_boundaries_are_their_heights_on_the_pet(small_case: PhantomCase) -> None:
    pet = small_case.pet_suv
    for boundary in small_case.boundaries:
        z = pet.GetOrigin()[2] + pet.GetSpacing()[2] * boundary.pet_slice
        assert z == pytest.approx(boundary.z_mm, abs=1e-3)


def test_semantic_and_vertebrae_agree(small_case: PhantomCase) -> None:
    semantic = sitk.GetArrayViewFromImage(small_case.semantic)
    vertebrae = sitk.GetArrayViewFromImage(small_case.vertebrae)
    assert np.array_equal(semantic == 1, vertebrae > 0)
    assert set(np.unique(semantic)) == {0, 1, 2, 3, 4}


def test_labels_lie_on_bone(small_case: PhantomCase) -> None:
    hu = sitk.GetArrayViewFromImage(small_case.ct)
    semantic = sitk.GetArrayViewFromImage(small_case.semantic)
    for label in (1, 2, 3, 4):
        values = hu[semantic == label]
        # Labelled CT of adults: medians of 196 to 240 HU in bodies, 332 in hips, 107 to 236 in sternum, 227 in sacrum.
        assert 110 < np.median(values) < 420
        assert np.mean(values > 60) > 0.85


def test_volumes_are_those_of_adults(small_case: PhantomCase) -> None:
    ml = _ml_by_value(small_case.vertebrae)
    for code in range(20, 25):
        assert 24 < ml[code] < 48, LEVEL_BY_CODE[code].name  # 27 to 45 ml in eight labelled CT
    for code in range(8, 20):
        assert 5 < ml[code] < 36, LEVEL_BY_CODE[code].name
    for code in range(3, 8):
        assert 2 < ml[code] < 10, LEVEL_BY_CODE[code].name
    semantic = _ml_by_value(small_case.semantic)
    assert 550 < semantic[2] < 900  # both hip bones: 701 and 851 ml in two labelled CT
    assert 35 < semantic[3] < 80  # 46 to 73 ml
    assert 150 < semantic[4] < 250  # 202 and 232 ml


def test_sides_and_order_of_structures_are_those_of_a_patient(small_case: PhantomCase) -> None:
    semantic = sitk.GetArrayViewFromImage(small_case.semantic)
    vertebrae = sitk.GetArrayViewFromImage(small_case.vertebrae)
    # y grows to the back, z upwards: sternum in front of T6, sacrum below L5 and behind it, hips on both sides.
    y = {label: np.nonzero(semantic == label)[1].mean() for label in (3, 4)}
    t6 = np.argwhere(vertebrae == 13).mean(axis=0)
    l5 = np.argwhere(vertebrae == 24).mean(axis=0)
    assert y[3] < t6[1] - 15
    assert y[4] > l5[1]
    assert np.nonzero(semantic == 4)[0].mean() < l5[0]
    hips_x = np.nonzero(semantic == 2)[2]
    middle = semantic.shape[2] / 2
    assert 0.45 < np.mean(hips_x > middle) < 0.55
    # The liver (58 HU, SUV 4.2) is on the patient's right, which is low x in LPS.
    suv = sitk.GetArrayViewFromImage(small_case.pet_truth_suv)
    image = small_case.pet_truth_suv
    k, j, i = (
        round((v - o) / s)
        for v, o, s in zip((460.0, -40.0, -80.0), image.GetOrigin()[::-1], image.GetSpacing()[::-1], strict=True)
    )
    assert suv[k, j, i] == pytest.approx(4.2, rel=0.05)
    assert suv[k, j, suv.shape[2] - 1 - i] < 2.5
