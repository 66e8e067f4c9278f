"""The parts of `make accuracy` that decide what is compared with what."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("monai")
sys.path.insert(0, str(Path(__file__).parents[1] / "Benchmarks"))

import accuracy_cases
import accuracy_scores
import accuracy_tables

from VertebraFLTLib.evaluation.curves import ThresholdCurve
from VertebraFLTLib.evaluation.metrics import Agreement
from VertebraFLTLib.training.manifest import CaseEntry, Manifest


def agreement(label: int, dice: float, ml: float = 10.0) -> Agreement:
    return Agreement(label, dice, dice / (2 - dice), dice, 1.0, 1.0, 2.0, ml, ml)


def scored(name: str, slice_mm: float | None, dice: float, ml: float = 10.0) -> accuracy_scores.CaseScores:
    return accuracy_scores.CaseScores(
        name, 0, slice_mm, {rule.name: [agreement(1, dice, ml)] for rule in accuracy_scores.RULES}
    )


def test_a_thick_ct_is_never_made_finer():
    assert accuracy_cases.samplings_of(2.5) == (None, 3.0, 5.0)
    assert accuracy_cases.samplings_of(3.0) == (None, 5.0)
    assert accuracy_cases.samplings_of(5.0) == (None,)
    assert accuracy_cases.wanted_of(5.0, 3.0) is None
    assert accuracy_cases.wanted_of(2.5, 3.0) == 3.0


def test_each_volume_stands_once_in_a_row():
    scores = [scored("fine", None, 0.9), scored("fine", 3.0, 0.8), scored("fine", 5.0, 0.7), scored("thick", None, 0.6)]
    at_three = accuracy_tables.rows_at(scores, 3.0)
    assert [(s.name, s.slice_mm) for s in at_three] == [("fine", 3.0), ("thick", None)]
    dice = [a.dice for a in accuracy_tables.by_label(at_three, accuracy_scores.DETAILED.name, 1)]
    assert accuracy_tables.cell(dice) == "0.700 (2)"


def test_a_sliver_is_not_scored():
    scores = [scored("whole", None, 0.9), scored("sliver", None, 0.1, ml=0.4)]
    assert [a.dice for a in accuracy_tables.by_label(scores, accuracy_scores.DETAILED.name, 1)] == [0.9]
    assert "0.4 ml in view" in accuracy_tables.case_table(scores)


def test_thresholds_are_those_of_the_pooled_cases():
    """Two cases whose structure lies above 100 and 60 of 255: the pooled best cuts between 60 and the background."""
    curves = []
    for inside in (100, 60):
        probability = np.concatenate([np.full(50, inside), np.full(50, 20)]).astype(np.uint8)
        curve = ThresholdCurve().add(probability, np.arange(100) < 50)
        curves.append({"axial": {label: curve if label == 1 else ThresholdCurve() for label in (1, 2, 3, 4)}})
    found = accuracy_scores.best_thresholds(curves)["axial"]
    assert 20 / 255 < found[0] <= 60 / 255
    assert found[1:] == [0.5, 0.5, 0.5]


def test_only_training_cases_are_left_out_by_folds():
    entries = (
        CaseEntry("a", Path(), "train", 0),
        CaseEntry("b", Path(), "train", None),
        CaseEntry("c", Path(), "validation", None),
    )
    assert [c.name for c in accuracy_cases.left_out(Manifest(Path("cases.toml"), entries))] == ["a"]


def test_what_was_made_once_is_kept(tmp_path):
    store, calls = accuracy_cases.Predictions(tmp_path), []

    def make() -> int:
        calls.append(1)
        return 7

    assert [store.kept(make, "x", 1), store.kept(make, "x", 1), store.kept(make, "x", 2)] == [7, 7, 7]
    assert len(calls) == 2
