"""The parts of `make accuracy` that decide what is compared with what."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("monai")
sys.path.insert(0, str(Path(__file__).parents[1] / "Benchmarks"))

import accuracy_cases
import accuracy_scores
import accuracy_tables

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


def test_thresholds_are_those_with_the_best_mean_where_enough_cases_show_the_structure():
    # Bodies (1) and sternum (3) in three cases, sacrum (4) in one: it has the bodies' threshold, not its own best.
    by_threshold = {
        0.3: ({1: 0.9, 3: 0.2, 4: 0.1}, {1: 0.5, 3: 0.1}, {1: 0.6, 3: 0.0}),
        0.5: ({1: 0.8, 3: 0.1, 4: 0.2}, {1: 0.7, 3: 0.2}, {1: 0.9, 3: 0.1}),
        0.7: ({1: 0.1, 3: 0.8, 4: 0.9}, {1: 0.9, 3: 0.7}, {1: 0.5, 3: 0.9}),
    }
    by_threshold |= {t: tuple(dict.fromkeys(case, 0.0) for case in by_threshold[0.3]) for t in (0.4, 0.6)}
    of_cases = [
        {(rule.name, t): each[n] for rule in accuracy_scores.RULES for t, each in by_threshold.items()}
        for n in range(3)
    ]
    assert set(by_threshold) == set(accuracy_scores.CANDIDATES)
    assert accuracy_scores.best_thresholds(of_cases)["axial"] == [0.5, 0.5, 0.7, 0.5]  # no case shows hips


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
