"""Scores by level on two hand-worked blocks with a disc between them, and on the simulated patient."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.level_scores import level_scores, nearest_level
from VertebraFLTLib.evaluation.mask_pair import MaskPair
from VertebraFLTLib.evaluation.metrics import label_scores

SPACING = (1.0, 1.0, 3.0)  # ijk
L4, L5 = 23, 24


@pytest.fixture
def levels():
    """L5 in slices 2 to 5, L4 in slices 9 to 12, 5 x 5 voxels across; three slices of disc."""
    array = np.zeros((16, 11, 11), np.uint8)
    array[2:6, 3:8, 3:8] = L5
    array[9:13, 3:8, 3:8] = L4
    return array


def scores(image, levels, pred, ignore=None):
    truth = (levels > 0).astype(np.uint8)
    ignore = None if ignore is None else image(ignore, SPACING)
    pair = MaskPair.of(image(truth, SPACING), image(pred, SPACING), "t", "p", ignore)
    return level_scores(pair, image(levels, SPACING), "levels")


def test_a_filled_disc_is_shared_by_its_neighbours(image, levels):
    pred = np.zeros_like(levels)
    pred[2:13, 3:8, 3:8] = 1
    pred[7] = 0  # the middle slice is as near to either
    upper, lower = scores(image, levels, pred)
    assert (upper.label, upper.name, lower.label, lower.name) == (L4, "L4", L5, "L5")
    for s in (upper, lower):  # one slice of 25 voxels too many each
        assert s.dice == pytest.approx(2 * 100 / (100 + 125)) and s.iou == pytest.approx(100 / 125) and s.tpr == 1
        assert s.tnr == pytest.approx(1 - 25 / (levels.size - 100))
        assert s.truth_ml == pytest.approx(0.3) and s.pred_ml == pytest.approx(0.375)


def test_nearest_is_in_millimetres():
    codes = np.zeros((9, 5, 9), int)
    codes[0, 2, 4], codes[4, 2, 8] = 7, 8
    asked = np.zeros(codes.shape, bool)
    asked[3, 2, 4] = True  # three slices above the one; a slice and four columns from the other
    assert nearest_level(codes, asked, (1.0, 1.0, 1.0))[3, 2, 4] == 7  # 3 against sqrt(17)
    assert nearest_level(codes, asked, (3.0, 1.0, 1.0))[3, 2, 4] == 8  # 9 against 5
    assert np.count_nonzero(nearest_level(codes, asked, (1.0, 1.0, 1.0))) == 1


def test_nearest_against_a_distance_map(levels):
    random = np.random.default_rng(1)
    codes = np.where(random.random(levels.shape) < 0.4, levels, 0).astype(int)
    spacing = (2.7, 0.9, 1.1)
    everywhere = nearest_level(codes, np.ones(codes.shape, bool), spacing)
    distance = {}
    from scipy.ndimage import distance_transform_edt

    for code in (L4, L5):
        distance[code] = distance_transform_edt(codes != code, sampling=spacing)
    clear = np.abs(distance[L4] - distance[L5]) > 1e-6
    assert np.array_equal(everywhere[clear], np.where(distance[L4] < distance[L5], L4, L5)[clear])


def test_a_missed_level_and_one_found_too_low(image, levels):
    pred = np.zeros_like(levels)
    pred[0:4, 3:8, 3:8] = 1  # L5, two slices too low; no L4 at all
    upper, lower = scores(image, levels, pred)
    assert upper.dice == 0 and upper.tpr == 0 and upper.tnr == 1 and np.isnan(upper.assd_mm)
    assert lower.dice == pytest.approx(0.5) and lower.hd95_mm == pytest.approx(6.0)


def test_the_levels_together_are_the_column(image, levels):
    random = np.random.default_rng(3)
    pred = (random.random(levels.shape) < 0.3).astype(np.uint8)
    truth = (levels > 0).astype(np.uint8)
    pair = MaskPair.of(image(truth, SPACING), image(pred, SPACING), "t", "p")
    rows, (column,) = level_scores(pair, image(levels, SPACING)), label_scores(pair)
    assert sum(r.pred_ml for r in rows) == pytest.approx(column.pred_ml)
    assert sum(r.truth_ml * r.tpr for r in rows) == pytest.approx(column.truth_ml * column.tpr)


def test_ignored_levels_have_no_row(image, levels):
    pred = np.zeros_like(levels)
    pred[2:13, 3:8, 3:8] = 1
    ignore = np.zeros_like(levels)
    ignore[9:] = 1
    (only,) = scores(image, levels, pred, ignore)
    # Slices 6, and 7 or not: a tie; slice 8 is nearest to L4, which does not count.
    assert only.name == "L5" and 2 * 100 / (100 + 150) - 1e-9 <= only.dice <= 2 * 100 / (100 + 125) + 1e-9
    ignore[:] = 0
    ignore[4] = 1
    assert scores(image, levels, pred, ignore)[1].truth_ml == pytest.approx(0.225)


def test_bodies_without_a_number_go_to_the_nearest_level(image, levels):
    known = levels.copy()
    known[12] = 0
    truth = (levels > 0).astype(np.uint8)
    pair = MaskPair.of(image(truth, SPACING), image(truth, SPACING), "t", "p")
    upper, _ = level_scores(pair, image(known, SPACING))
    assert upper.dice == 1 and upper.truth_ml == pytest.approx(0.3)


def test_wrong_levels(image, levels):
    with pytest.raises(InputError, match="^levels and t lie on different grids"):
        pair = MaskPair.of(image(levels * 0 + 1), image(levels * 0 + 1), "t", "p")
        level_scores(pair, image(levels[1:]), "levels")
    pred = (levels > 0).astype(np.uint8)
    with pytest.raises(InputError, match="^levels holds 11.5: labels are whole numbers"):
        level_scores(pair, image((levels == L4) * np.float32(11.5)), "levels")
    wrong = levels.copy()
    wrong[2, 3, 3] = 26
    with pytest.raises(InputError, match="^levels holds 26, which numbers no vertebra; VerSe numbers are C1=1"):
        scores(image, wrong, pred)
    nothing = MaskPair.of(image(pred * 4), image(pred), "t", "p")
    with pytest.raises(InputError, match=r"^levels has no level inside the vertebral bodies \(value 1\) of t; "):
        level_scores(nothing, image(levels), "levels")


def test_the_simulated_patient_against_itself(patient):
    pair = MaskPair.of(patient.semantic, patient.semantic, "t", "p")
    rows = level_scores(pair, patient.vertebrae)
    assert rows[0].name == "C1" and rows[-1].name == "L5" and all(r.dice == 1 and r.assd_mm == 0 for r in rows)
    codes = set(np.unique(sitk.GetArrayViewFromImage(patient.vertebrae)).tolist()) - {0}
    assert {r.label for r in rows} == codes
