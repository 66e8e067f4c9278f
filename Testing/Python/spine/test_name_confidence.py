"""Names are as sure as the count that leads to them: a boundary passed over is doubted beyond, and only there."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from VertebraFLTLib.spine.anchors import LowestLevel
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.detectors.naming import Naming, Row
from VertebraFLTLib.spine.history import History
from VertebraFLTLib.spine.levels import STANDARD_UP, span_of
from VertebraFLTLib.spine.miscount import miscounts
from VertebraFLTLib.spine.name_confidence import by_level, in_words

SACRUM = LowestLevel({"L5": 0.93, "L4": 0.035, "L6": 0.035}, "counted from the sacrum", sacrum=True)
SPANS = LowestLevel(dict.fromkeys(STANDARD_UP, 1 / 24), "inferred from the spans")


def column(spans) -> np.ndarray:
    """Boundaries above each of the vertebrae but the last."""
    return 100 + np.cumsum(spans)[:-1]


def typical(count=20, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([36 * span_of(n) for n in STANDARD_UP[:count]]) * np.exp(0.05 * rng.standard_normal(count))


@pytest.mark.parametrize("seed", range(5))
def test_spans_as_they_vary_raise_no_doubt(seed):
    spans = typical(22, seed)
    assert miscounts(STANDARD_UP[:22], column(spans), 100.0).max() < 0.02


def test_a_boundary_passed_over_is_suspected_where_it_is():
    spans = typical()
    merged = np.concatenate([spans[:9], [spans[9] + spans[10]], spans[11:]])
    chance = miscounts(STANDARD_UP[:19], column(merged), 100.0)
    assert chance[9] > 0.9 and np.delete(chance, 9).max() < 0.1


def test_a_boundary_too_many_is_suspected_but_a_fracture_is_not():
    spans = typical()
    split = np.concatenate([spans[:7], [spans[7] / 2, spans[7] / 2], spans[8:]])
    assert miscounts(STANDARD_UP[:21], column(split), 100.0)[7] > 0.9
    broken = spans.copy()
    broken[7] *= 0.62
    assert miscounts(STANDARD_UP[:20], column(broken), 100.0).max() < 0.1


def test_a_scale_that_drifts_is_no_doubt():
    spans = typical() * np.linspace(0.8, 1.25, 20)
    assert miscounts(STANDARD_UP[:20], column(spans), 100.0).max() < 0.1


def naming(count, **changed) -> Naming:
    usual = Naming(STANDARD_UP[:count], Row("L5"), {Row("L5"): 0.999, Row("L6"): 0.001}, SACRUM, bottom_mm=100.0)
    return replace(usual, **changed)


def test_names_beyond_a_span_that_may_hide_a_boundary_lose_their_confidence():
    spans = typical()
    merged = np.concatenate([spans[:14], [spans[14] + spans[15]], spans[16:]])
    sure, reason = naming(19).confidence([0.98] * 18, column(merged).tolist())
    doubtful = STANDARD_UP[14]
    assert min(sure[:14]) > 0.85 and max(sure[14:]) < 0.3
    assert f"miscounted at {doubtful}" in reason
    # Counted from the spans alone, there is no end from which to count: all are in doubt.
    alone, _ = naming(19, anchor=SPANS).confidence([0.98] * 18, column(merged).tolist())
    assert max(alone) < 0.3


def test_ribs_in_the_middle_leave_the_doubt_to_one_side():
    spans = typical()
    merged = np.concatenate([spans[:2], [spans[2] + spans[3]], spans[4:]])
    middle = naming(19, anchor=SPANS, last_rib=8, ribs="ribs end at T12")
    sure, _ = middle.confidence([0.98] * 18, column(merged).tolist())
    assert max(sure[:3]) < 0.3 and min(sure[3:]) > 0.75
    # With the sacrum below as well, only the vertebra in question is left in doubt.
    both, _ = naming(19, last_rib=8, ribs="ribs end at T12").confidence([0.98] * 18, column(merged).tolist())
    assert both[0] > 0.9 and both[2] < 0.3 and min(both[3:]) > 0.9


def test_boundaries_of_low_confidence_take_it_from_the_names_beyond():
    spans = typical()
    doubtful = [0.98] * 8 + [0.2, 0.2] + [0.98] * 9
    sure, _ = naming(20).confidence(doubtful, column(spans).tolist())
    assert sure[8] > 0.88 and sure[10] < sure[8] - 0.1
    assert all(a >= b for a, b in pairwise(sure))


def test_names_given_from_below_are_sure_as_far_as_the_count_is():
    spans = typical()
    given = LowestLevel({"L5": 1.0}, "lowest vertebra given as L5", given=True)
    merged = np.concatenate([spans[:9], [spans[9] + spans[10]], spans[11:]])
    sure, _ = naming(19, anchor=given, chance={Row("L5"): 1.0}).confidence([0.98] * 18, column(merged).tolist())
    assert sure[0] == 1.0 and min(sure[:9]) > 0.95 and max(sure[9:]) < 0.2


def boundaries() -> BoundarySet:
    z = column(typical(6))
    items = tuple(
        Boundary(STANDARD_UP[i], STANDARD_UP[i + 1], float(i), float(at), 1.0, 0.9, "span-prior")
        for i, at in enumerate(z)
    )
    return BoundarySet(items, 100.0, 300.0, 0.4, "why", name_confidence=(0.9, 0.9, 0.88, 0.5, 0.4, 0.4))


def test_words_name_the_surer_part():
    found = boundaries()
    assert by_level(found)["L3"] == 0.88 and list(by_level(found)) == list(STANDARD_UP[:6])
    assert in_words(found) == "0.40 (0.90 from L5 to L3)"
    assert in_words(replace(found, name_confidence=())) == "0.40"
    assert in_words(replace(found, name_confidence=(0.4, 0.4, 0.4, 0.4, 0.4, 0.9))) == "0.40 (0.90 T12)"


def test_edits_keep_forget_or_settle_what_is_known_of_the_names():
    found = boundaries()
    moved = found.move(1, found.boundaries[1].z_mm + 1)
    assert moved.name_confidence == found.name_confidence
    assert set(by_level(found.delete(2)).values()) == {0.4} == set(by_level(found.insert(260.0)).values())
    assert set(by_level(found.set_lowest("L4")).values()) == {1.0}


def test_a_history_kept_as_text_knows_them():
    found = boundaries()
    again = History.from_json(History(found).to_json())
    assert again.current.name_confidence == found.name_confidence
