"""Scores against hand-worked cubes and against SimpleITK's own filters."""

import math

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.metrics import agreement, compare_masks


def cube(start, stop, shape=(20, 20, 20)):
    a = np.zeros(shape, bool)
    a[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] = True
    return a


def test_a_cube_shifted_by_two_voxels():
    truth, pred = cube((5, 5, 5), (15, 15, 15)), cube((7, 5, 5), (17, 15, 15))
    s = agreement(truth, pred, (3.0, 1.0, 1.0))
    assert s.dice == pytest.approx(0.8) and s.iou == pytest.approx(800 / 1200)
    assert s.tpr == pytest.approx(0.8) and s.tnr == pytest.approx(1 - 200 / 7000)
    assert s.hd95_mm == pytest.approx(6.0)  # two slices of 3 mm
    assert s.truth_ml == pytest.approx(3.0)


def test_equal_masks_are_perfect():
    a = cube((0, 0, 0), (20, 4, 9))
    s = agreement(a, a, (1.0, 1.0, 1.0))
    assert (s.dice, s.iou, s.tpr, s.tnr, s.assd_mm, s.hd95_mm) == (1, 1, 1, 1, 0, 0)


def test_an_empty_side_has_no_distance():
    s = agreement(cube((2, 2, 2), (5, 5, 5)), np.zeros((20, 20, 20), bool), (1.0, 1.0, 1.0))
    assert s.dice == 0 and math.isnan(s.assd_mm) and s.as_dict()["hd95_mm"] is None


def test_against_simpleitk_on_random_blobs():
    random = np.random.default_rng(2)
    from scipy.ndimage import gaussian_filter

    truth = gaussian_filter(random.normal(size=(24, 30, 28)), 3) > 0.02
    pred = gaussian_filter(truth.astype(float) + 0.3 * random.normal(size=truth.shape), 1) > 0.5
    spacing = (3.0, 1.2, 0.8)
    s = agreement(truth, pred, spacing)
    images = []
    for array in (truth, pred):
        image = sitk.GetImageFromArray(array.astype(np.uint8))
        image.SetSpacing(spacing[::-1])
        images.append(image)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    assert s.dice == pytest.approx(overlap.GetDiceCoefficient(1))
    assert s.iou == pytest.approx(overlap.GetJaccardCoefficient(1))
    # The surfaces by other means: contours and an exact signed distance map.
    padded = [sitk.ConstantPad(image, (1, 1, 1), (1, 1, 1), 0) for image in images]  # the border counts as outside
    contours = [sitk.LabelContour(image) for image in padded]
    means = []
    for one, other in ((0, 1), (1, 0)):
        far = sitk.Abs(sitk.SignedMaurerDistanceMap(contours[other], squaredDistance=False, useImageSpacing=True))
        means.append(sitk.GetArrayFromImage(far)[sitk.GetArrayFromImage(contours[one]) > 0])
    assert s.assd_mm == pytest.approx(np.concatenate(means).mean(), rel=0.05)


def labelled(array, origin=(0.0, 0.0, 0.0)):
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetOrigin(origin)
    return image


def test_every_label_of_either_mask_is_scored():
    truth = cube((2, 2, 2), (8, 8, 8)).astype(np.uint8)
    pred = truth * 1
    pred[15, 15, 15] = 3
    rows = compare_masks(labelled(truth), labelled(pred), "t", "p")
    assert [(r.label, r.dice) for r in rows] == [(1, 1.0), (3, 0.0)]


def test_masks_on_different_grids_are_refused():
    a = cube((2, 2, 2), (8, 8, 8))
    with pytest.raises(InputError, match=r"p\.nii and t\.nii lie on different grids"):
        compare_masks(labelled(a), labelled(a, (0, 0, 5)), "t.nii", "p.nii")
    with pytest.raises(InputError, match="both empty"):
        compare_masks(labelled(a * 0), labelled(a * 0), "t", "p")
