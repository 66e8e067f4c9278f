"""Clean-up: one column in pieces stays, an island goes, a pair of hips stays; nothing is added."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.segmentation.cleanup import clean_up


def image(array, spacing=(2.0, 2.0, 3.0)):
    result = sitk.GetImageFromArray(array)
    result.SetSpacing(spacing)
    return result


@pytest.fixture
def patient():
    """Bodies 24 mm high with gaps of 6 mm, a rib-like island, two hips, a speck, a sternum."""
    a = np.zeros((80, 60, 80), np.uint8)
    for k in range(20, 80, 10):
        a[k : k + 8, 30:42, 35:47] = 1
    a[40:44, 5:9, 5:9] = 1  # island far from the column
    a[0:18, 25:45, 8:22] = 2
    a[0:18, 25:45, 58:72] = 2
    a[70:72, 2:6, 70:75] = 2
    a[50:70, 4:8, 36:46] = 3
    return a


def test_islands_go_and_what_belongs_stays(patient):
    mask, removed = clean_up(image(patient))
    result = sitk.GetArrayFromImage(mask)
    assert not result[40:44, 5:9, 5:9].any()
    assert not result[70:72, 2:6, 70:75].any()
    expected = patient.copy()
    expected[40:44, 5:9, 5:9] = 0
    expected[70:72, 2:6, 70:75] = 0
    assert np.array_equal(result, expected)
    assert removed["vertebral_body"] == pytest.approx(4 * 4 * 4 * 12 / 1000)
    assert set(removed) == {"vertebral_body", "hip_bone"}


def test_a_few_false_voxels_are_no_structure(patient):
    patient[patient == 3] = 0
    patient[60:62, 4:9, 40:46] = 3  # 0.7 ml of "sternum"
    mask, removed = clean_up(image(patient))
    assert not (sitk.GetArrayFromImage(mask) == 3).any() and removed["sternum"] == pytest.approx(0.72)


def test_nothing_is_ever_added():
    random = np.random.default_rng(0)
    noise = (random.integers(0, 5, (20, 20, 20)) * (random.random((20, 20, 20)) < 0.2)).astype(np.uint8)
    mask, _ = clean_up(image(noise))
    result = sitk.GetArrayFromImage(mask)
    assert np.all((result == noise) | (result == 0))


def test_an_empty_mask_stays_empty():
    mask, removed = clean_up(image(np.zeros((5, 5, 5), np.uint8)))
    assert not sitk.GetArrayFromImage(mask).any() and not removed


def test_geometry_is_kept():
    original = image(np.ones((4, 5, 6), np.uint8))
    original.SetOrigin((1, 2, 3))
    mask, _ = clean_up(original)
    assert mask.GetOrigin() == (1, 2, 3) and mask.GetSpacing() == original.GetSpacing()
