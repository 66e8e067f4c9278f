"""Scores against hand-worked cubes, against SimpleITK's own filters and against MONAI."""

import math

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.metrics import agreement, box_around, compare_masks, surface_distances


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


def test_against_monai_on_random_blobs():
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(5)
    truth = gaussian_filter(random.normal(size=(22, 30, 26)), 3) > 0.03
    pred = np.roll(truth, 1, axis=2) & (random.random(truth.shape) > 0.02)
    spacing = (3.0, 1.2, 0.8)
    s = agreement(truth, pred, spacing)
    both = [torch.tensor(mask[None, None].astype(np.float32)) for mask in (pred, truth)]
    said = {
        "dice": metrics.compute_dice(*both),
        "iou": metrics.compute_iou(*both),
        "assd_mm": metrics.compute_average_surface_distance(
            *both, include_background=True, symmetric=True, spacing=spacing
        ),
        "hd95_mm": metrics.compute_hausdorff_distance(*both, include_background=True, percentile=95, spacing=spacing),
    }
    for name, value in said.items():
        assert getattr(s, name) == pytest.approx(float(value), rel=1e-5), name


def test_ignored_voxels_count_in_no_score():
    truth, pred = cube((5, 5, 5), (15, 15, 15)), cube((5, 5, 5), (15, 15, 18))
    ignored = cube((0, 0, 12), (20, 20, 20))
    s = agreement(truth, pred, (1.0, 1.0, 1.0), ignored=ignored)
    # What is left of both is the same 10 x 10 x 7; where it meets the ignored part it has no surface.
    assert (s.dice, s.iou, s.tpr, s.tnr, s.assd_mm) == (1, 1, 1, 1, 0)
    assert (s.truth_ml, s.pred_ml) == pytest.approx((0.7, 0.7))
    shifted = agreement(truth, cube((5, 5, 3), (15, 15, 15)), (1.0, 1.0, 1.0), ignored=ignored)
    assert shifted.dice == pytest.approx(2 * 700 / (700 + 900))
    assert shifted.tnr == pytest.approx(1 - 200 / (20 * 20 * 12 - 700))
    # The faces of 10 x 10 voxels at 3 and at 5: more than a twentieth of either surface.
    assert shifted.hd95_mm == pytest.approx(2.0)


def test_a_mask_that_only_ends_where_voxels_are_ignored_has_no_surface():
    everything = np.ones((6, 6, 6), bool)
    ring = everything & ~cube((2, 2, 2), (4, 4, 4), (6, 6, 6))
    inner = cube((2, 2, 2), (4, 4, 4), (6, 6, 6))
    assert surface_distances(inner, inner, (1.0, 1.0, 1.0), ring) is None


def test_a_part_of_the_image_gives_the_scores_of_the_whole():
    truth, pred = cube((5, 5, 5), (12, 15, 15)), cube((7, 5, 5), (14, 15, 16))
    box = box_around(truth | pred)
    whole = agreement(truth, pred, (2.0, 1.0, 1.0))
    assert agreement(truth[box], pred[box], (2.0, 1.0, 1.0), voxels=truth.size) == whole


def labelled(array, origin=(0.0, 0.0, 0.0)):
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetOrigin(origin)
    return image


def test_every_label_of_either_mask_is_scored():
    truth = cube((2, 2, 2), (8, 8, 8)).astype(np.uint8)
    pred = truth * 1
    pred[15, 15, 15] = 3
    rows = compare_masks(labelled(truth), labelled(pred), "t", "p")
    assert [(r.label, r.name, r.dice) for r in rows] == [(1, "Vertebral bodies", 1.0), (3, "Sternum", 0.0)]


def test_labels_of_another_map_have_no_names():
    truth = cube((2, 2, 2), (8, 8, 8)).astype(np.uint8) * 20
    (row,) = compare_masks(labelled(truth), labelled(truth), "t", "p")
    assert (row.label, row.name, row.as_dict()["name"]) == (20, None, None)


def test_masks_on_different_grids_are_refused():
    a = cube((2, 2, 2), (8, 8, 8))
    with pytest.raises(InputError, match=r"p\.nii and t\.nii lie on different grids"):
        compare_masks(labelled(a), labelled(a, (0, 0, 5)), "t.nii", "p.nii")
    with pytest.raises(InputError, match="both empty"):
        compare_masks(labelled(a * 0), labelled(a * 0), "t", "p")
