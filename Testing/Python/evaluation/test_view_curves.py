"""Curves of views and ensembles: those of the ensembles equal what the segmenter decides."""

import numpy as np
import pytest

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.view_curves import pooled, view_curves
from VertebraFLTLib.segmentation.combine import margins

VIEWS = ("axial", "sagittal", "coronal")


@pytest.fixture
def volume():
    random = np.random.default_rng(8)
    labels = random.integers(0, 4, (6, 7, 8)).astype(np.uint8)  # no sacrum
    truth = np.stack([labels == s.label for s in STRUCTURES])
    return {v: np.clip(random.normal(60 + 120 * truth, 50), 0, 255).astype(np.uint8) for v in VIEWS}, labels


@pytest.mark.parametrize("rule", ["average", "vote", "additive"])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.77])
def test_an_ensembles_curve_is_its_decision(volume, rule, threshold):
    probabilities, labels = volume
    curves = view_curves(probabilities, labels)
    decided = margins(probabilities, {v: [threshold] * 4 for v in VIEWS}, rule) >= 0
    for structure, found in zip(STRUCTURES[:3], decided, strict=False):
        truth = labels == structure.label
        dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
        assert curves[rule][structure.label].dice_at(threshold) == pytest.approx(dice)


def test_every_view_and_structure_has_a_curve(volume):
    probabilities, labels = volume
    curves = view_curves(probabilities, labels)
    assert set(curves) == {*VIEWS, "average", "vote", "additive"}
    assert all(set(by_label) == {1, 2, 3, 4} for by_label in curves.values())
    assert curves["axial"][4].inside.sum() == 0
    assert set(view_curves({"axial": probabilities["axial"]}, labels)) == {"axial"}


def test_volumes_add_up_in_any_order(volume):
    probabilities, labels = volume
    first, second = view_curves(probabilities, labels, labels < 3), view_curves(probabilities, labels)
    both, other = pooled([first, second]), pooled([second, first])
    for name in both:
        for label in (1, 2, 3, 4):
            assert np.array_equal(both[name][label].outside, other[name][label].outside)
    assert both["axial"][1].inside.sum() == 2 * (labels == 1).sum()
    assert both["axial"][1].outside.sum() == labels.size + (labels < 3).sum() - 2 * (labels == 1).sum()
    assert pooled([]) == {}


def test_shapes_that_do_not_fit(volume):
    probabilities, labels = volume
    with pytest.raises(InputError, match="^axial: probabilities of shape .* do not fit labels of shape"):
        view_curves(probabilities, labels[1:])
