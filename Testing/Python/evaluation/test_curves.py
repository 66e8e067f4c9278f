"""Threshold curves against thresholding itself, against the rank statistic and by hand."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.curves import ThresholdCurve


@pytest.fixture
def volume():
    random = np.random.default_rng(4)
    truth = random.random((9, 10, 11)) < 0.2
    probability = np.clip(random.normal(70 + 90 * truth, 60), 0, 255).astype(np.uint8)
    return probability, truth


def test_four_voxels_by_hand():
    # Two of the structure at 1 and 0.2 (51/255), two outside at 0.4 (102/255) and 0.
    curve = ThresholdCurve().add(np.array([255, 51, 102, 0], np.uint8), np.array([True, True, False, False]))
    assert curve.tpr[[0, 51, 52, 255]].tolist() == [1, 1, 0.5, 0.5]
    assert curve.fpr[[0, 1, 102, 103, 255]].tolist() == [1, 0.5, 0.5, 0, 0]
    assert curve.dice[[0, 51, 52, 103]] == pytest.approx([4 / 6, 4 / 5, 2 / 4, 2 / 3])
    assert curve.auc == pytest.approx(3 / 4)  # of the four pairs only (0.2, 0.4) is the wrong way round
    assert curve.best_threshold() == pytest.approx(51 / 255) and curve.dice_at(0.2) == pytest.approx(0.8)


def test_every_threshold_equals_thresholding(volume):
    probability, truth = volume
    curve = ThresholdCurve().add(probability, truth)
    for step in range(256):
        found = probability >= step
        both, wrong = (found & truth).sum(), (found & ~truth).sum()
        assert curve.tpr[step] == both / truth.sum() and curve.fpr[step] == wrong / (~truth).sum()
        assert curve.dice[step] == 2 * both / (found.sum() + truth.sum())


def test_area_is_the_rank_statistic(volume):
    probability, truth = volume
    u = mannwhitneyu(probability[truth].astype(float), probability[~truth].astype(float)).statistic
    assert ThresholdCurve().add(probability, truth).auc == pytest.approx(u / (truth.sum() * (~truth).sum()))


def test_a_perfect_a_reversed_and_a_guessing_network():
    truth = np.arange(1000) % 2 == 0
    perfect = ThresholdCurve().add(truth * np.uint8(255), truth)
    assert perfect.auc == 1 and perfect.dice[1:].min() == 1
    assert perfect.best_threshold() == pytest.approx(128 / 255)  # the default 0.5 among many equal ones
    assert ThresholdCurve().add(~truth * np.uint8(255), truth).auc == 0
    assert ThresholdCurve().add(np.full(1000, 9, np.uint8), truth).auc == 0.5


def test_volumes_are_pooled(volume):
    probability, truth = volume
    whole = ThresholdCurve().add(probability, truth)
    parts = ThresholdCurve().add(probability[:3], truth[:3]) + ThresholdCurve().add(probability[3:], truth[3:])
    again = ThresholdCurve().add(probability[:3], truth[:3]).add(probability[3:], truth[3:])
    for curve in (parts, again):
        assert np.array_equal(curve.inside, whole.inside) and np.array_equal(curve.outside, whole.outside)


def test_unscored_voxels_do_not_count(volume):
    probability, truth = volume
    scored = np.zeros(truth.shape, bool)
    scored[2:6] = True
    curve = ThresholdCurve().add(probability, truth, scored)
    assert np.array_equal(curve.dice, ThresholdCurve().add(probability[2:6], truth[2:6]).dice)


def test_without_the_structure_there_is_no_best_threshold(volume):
    probability, truth = volume
    curve = ThresholdCurve().add(probability, truth & False)
    assert np.isnan(curve.tpr).all() and np.isnan(curve.auc) and curve.fpr[0] == 1
    with pytest.raises(InputError, match="no volume of this curve holds the structure"):
        curve.best_threshold()
    assert np.isnan(ThresholdCurve().dice).all()


def test_wrong_arrays(volume):
    probability, truth = volume
    with pytest.raises(InputError, match="^the probability holds float64; uint8 is needed$"):
        ThresholdCurve().add(probability / 255, truth)
    with pytest.raises(InputError, match="^the truth holds int64; bool is needed$"):
        ThresholdCurve().add(probability, truth.astype(np.int64))
    with pytest.raises(InputError, match="^the truth has the shape"):
        ThresholdCurve().add(probability, truth[1:])
    with pytest.raises(InputError, match="^the mask of scored voxels has the shape"):
        ThresholdCurve().add(probability, truth, truth[1:])
