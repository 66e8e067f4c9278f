"""Names that the ribs support win, names that they contradict lose; without ribs nothing changes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from VertebraFLTLib.spine.anchors import COUNTS, USUAL_COUNTS, VARIANTS
from VertebraFLTLib.spine.detectors import get_detector
from VertebraFLTLib.spine.detectors.protocol import Clues
from VertebraFLTLib.spine.levels import SURE_OF_NAMES, order_up, span_of
from VertebraFLTLib.spine.name_confidence import by_level
from VertebraFLTLib.spine.rib_evidence import in_view, log_likelihood
from VertebraFLTLib.spine.rib_stripes import Ribs, Stripe


def ribs_of(names, z_mm, last: str, last_reach=66.0, rng=None) -> Ribs:
    """Stripes as anatomy has them: long ribs down to ``last``, processes below it, nothing beside the neck."""
    rng = rng or np.random.default_rng(0)
    ends = z_mm[0] - 36 * span_of(names[0]), z_mm[-1] + 36 * span_of(names[-1])
    fences = [ends[0], *z_mm, ends[1]]
    stripes = []
    for name, (low, high) in zip(names, pairwise(fences), strict=True):
        if name[0] == "C":
            continue
        reach = {"L": 36.0 if name == "L1" else 44.0, "T": 90.0}[name[0]] if name != last else last_reach
        lift = -0.25 if name == last else 0.0 if name[0] == "L" else 0.07 * (int(last[1:]) - int(name[1:]))
        for side in (-1, 1):
            at = (low + high) / 2 + (lift + rng.normal(0, 0.08)) * (high - low)
            stripes.append(Stripe(side, float(at), float(min(reach + rng.normal(0, 3), 90.0))))
    return Ribs(tuple(sorted(stripes, key=lambda s: s.z_mm)))


def test_shares_of_people_sum_to_one():
    assert sum(COUNTS.values()) == pytest.approx(1.0) and max(COUNTS, key=COUNTS.get) == USUAL_COUNTS


@pytest.mark.parametrize("thoracic", [11, 12, 13])
def test_the_true_names_are_the_likeliest(make_beads, thoracic):
    beads = make_beads(1, lowest="L4", highest="C6", thoracic=thoracic)
    extent = beads.profile.extent_mm
    ribs = ribs_of(beads.names, beads.z_mm, f"T{thoracic}")
    order = order_up(thoracic)
    start = order.index("L4")
    scores = {
        order[i]: log_likelihood(ribs, order[i : i + len(beads.names)], beads.z_mm.tolist(), thoracic, extent)
        for i in range(len(order) - len(beads.names) + 1)
    }
    best = max(scores, key=scores.get)
    assert best == "L4" and scores["L4"] > max(v for k, v in scores.items() if k != "L4") + 2, (start, scores)


@pytest.mark.parametrize("seed", range(3))
def test_a_column_cut_at_both_ends_is_named_by_its_ribs(make_beads, seed):
    beads = make_beads(seed, lowest="L2", highest="T2", bottom_share=0.5, top_share=0.5, cut=(True, True))
    ribs = ribs_of(beads.names, beads.z_mm, "T12", rng=np.random.default_rng(seed))
    alone = get_detector("span-prior").detect(beads.profile)
    found = get_detector("span-prior").detect(beads.profile, Clues(ribs=ribs))
    assert found.names == beads.names and "ribs end at T12" in found.level_reason
    assert alone.level_confidence < 0.6 < found.level_confidence < SURE_OF_NAMES


# Where the column ends at C1 and where at C2, 23 or 25 vertebrae could not be told from the usual 24.
@pytest.mark.parametrize(
    ("lowest", "thoracic", "highest"), [("L5", 13, "C1"), ("L5", 11, "C2"), ("L6", 12, "C2"), ("L4", 12, "C2")]
)
def test_unusual_counts_are_named_as_the_ribs_have_them(make_beads, lowest, thoracic, highest):
    beads = make_beads(2, lowest=lowest, highest=highest, thoracic=thoracic)
    ribs = ribs_of(beads.names, beads.z_mm, f"T{thoracic}")
    sacrum = beads.profile.extent_mm[0] - 8.0
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum, ribs=ribs))
    assert found.names[:20] == beads.names[:20] and f"ribs end at T{thoracic}" in found.level_reason
    assert found.level_confidence < SURE_OF_NAMES  # rare enough to be looked at


def test_sacrum_and_ribs_that_agree_are_surer_than_the_sacrum(make_beads):
    beads = make_beads(3)
    ribs = ribs_of(beads.names, beads.z_mm, "T12")
    sacrum = beads.profile.extent_mm[0] - 8.0
    alone = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum))
    both = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum, ribs=ribs))
    assert both.names == alone.names
    assert alone.level_confidence < 1 - VARIANTS < both.level_confidence < 1.0
    assert "four or six lumbar" in alone.level_reason and "four or six lumbar" not in both.level_reason


def test_ribs_that_end_one_vertebra_too_high_take_the_confidence(make_beads):
    beads = make_beads(3)
    ribs = ribs_of(beads.names, beads.z_mm, "T11")  # T12 then has processes only, as a lumbar vertebra
    rudimentary = Ribs(
        tuple(Stripe(s.side, s.z_mm, 38.0) if beads.z_mm[4] < s.z_mm < beads.z_mm[5] else s for s in ribs.stripes),
    )
    sacrum = beads.profile.extent_mm[0] - 8.0
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum, ribs=rudimentary))
    assert found.level_confidence < SURE_OF_NAMES


def test_too_few_ribs_change_nothing_but_the_words(make_beads):
    beads = make_beads(4, lowest="L5", highest="T12", top_share=0.6, cut=(False, True))
    ribs = ribs_of(beads.names, beads.z_mm, "T12")
    few = Ribs(tuple(s for s in ribs.stripes if s.reach_mm < 55))
    extent = beads.profile.extent_mm
    assert in_view(None, *extent) is False and in_view(few, *extent) is False
    sacrum = extent[0] - 8.0
    alone = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum))
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum, ribs=few))
    assert by_level(found) == by_level(alone) and "no ribs in view" in found.level_reason


def test_ways_to_count_that_differ_out_of_view_only_are_one(make_beads):
    beads = make_beads(1, lowest="T5", highest="C3", top_share=0.5, cut=(True, True))
    ribs = ribs_of(beads.names, beads.z_mm, "T12")
    given = get_detector("span-prior").detect(beads.profile, Clues(lowest="T5", ribs=ribs))
    assert given.names == beads.names and given.level_confidence > 0.97
    assert "possible" not in given.level_reason


def test_clutter_beside_the_pelvis_and_in_the_kidneys_is_outvoted(make_beads):
    beads = make_beads(5, lowest="L5", highest="T6", top_share=0.5, cut=(False, True))
    ribs = ribs_of(beads.names, beads.z_mm, "T12")
    low = beads.profile.extent_mm[0]
    clutter = [Stripe(side, low + up, 90.0) for side, up in ((-1, 5.0), (1, 8.0), (-1, 20.0), (1, 95.0))]
    crowded = Ribs((*ribs.stripes, *clutter))
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=low - 8.0, ribs=crowded))
    assert found.names == beads.names
