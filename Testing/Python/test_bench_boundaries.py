"""The boundary benchmark: what counts as missed, extra and wrongly named, and that patients are what they say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "Benchmarks"))

import boundary_fit
import boundary_tables
from boundary_run import Example, Outcome, given, one_score
from boundary_scores import gave_up, score
from column_conditions import CONDITIONS, STANDARD
from column_patients import simulate

from VertebraFLTLib.spine.anchors import LowestLevel
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.calibration import BOUNDARY, INTERCEPT, LEVEL
from VertebraFLTLib.spine.detectors.naming import Naming, Row

TRUTH = (("L5", "L4", 100.0), ("L4", "L3", 136.0), ("L3", "L2", 172.0), ("L2", "L1", 207.0))


def found_at(*places: tuple[str, str, float, float], level: float = 0.95) -> BoundarySet:
    bounds = tuple(Boundary(b, a, z / 4, z, 1.0, c, "span-prior") for b, a, z, c in places)
    return BoundarySet(bounds, 60.0, 240.0, level, "because")


def test_missed_and_extra_boundaries_and_wrong_names_are_told_apart():
    found = found_at(("L5", "L4", 102.0, 0.9), ("L4", "L3", 118.0, 0.4), ("L3", "L2", 170.0, 0.95))
    got = score(TRUTH, (60.0, 240.0), found, 4.0)
    np.testing.assert_allclose(got.error_mm, [2.0, -18.0, -2.0, np.nan])  # 118 is just within half a span of 136
    assert got.named.tolist() == [True, True, True, False] and got.names_right
    shifted = found_at(("L4", "L3", 100.0, 0.9), ("L3", "L2", 137.0, 0.9), ("L2", "L1", 155.0, 0.9))
    got = score(TRUTH, (60.0, 240.0), shifted, 4.0)
    assert not got.names_right and boundary_tables.silent_names(got)
    assert np.isnan(got.error_mm).sum() == 1 and len(got.extra) == 0


def test_boundaries_at_the_ends_and_uncertain_ones_are_not_asked_for():
    found = found_at(("L5", "L4", 100.0, 0.9), ("L4", "L3", 136.0, 0.9), ("L3", "L2", 172.0, 0.9))
    assert len(score(TRUTH, (95.0, 205.0), found, 4.0).error_mm) == 2
    got = score(TRUTH, (60.0, 240.0), found, 4.0, uncertain="L2")
    assert len(got.error_mm) == 2 and len(got.extra) == 0
    beside = found_at(("C4", "C3", 66.0, 0.9), ("C3", "C2", 136.0, 0.9), ("C2", "C1", 226.0, 0.9))
    assert len(score(TRUTH, (60.0, 240.0), beside, 4.0).extra) == 0
    assert len(score(TRUTH, (40.0, 240.0), beside, 4.0).extra) == 1


def test_giving_up_misses_everything():
    got = gave_up(TRUTH, (60.0, 240.0), 4.0, "no valley")
    assert np.isnan(got.error_mm).all() and len(got.error_mm) == 4 and got.raised == "no valley"


@pytest.mark.parametrize("name", ["", "6 lumbar", "cut at both ends", "PET 5 mm up"])
def test_a_patient_is_what_the_condition_says(name: str):
    condition = next((c for c in CONDITIONS if c.name == name), STANDARD)
    case = simulate(3, condition)
    data = given(case)
    z, uptake = data.profile.column()
    low, high = data.profile.extent_mm
    discs = [t[2] for t in case.truth if low + 12 < t[2] < high - 12 and t[1] != "C1"]
    for disc in discs:  # discs are cold, also where the PET has moved against the mask
        near = uptake[np.abs(z - disc) <= 6.0].min()
        assert near < 0.8 * uptake[np.abs(z - disc) <= 25.0].max()
    assert (case.levels[0] == "L6") == (name == "6 lumbar")
    assert data.profile.cut == ((True, True) if name == "cut at both ends" else (False, False))
    got = one_score("span-prior", data, case.truth)
    assert np.nanmax(np.abs(got.slices)) <= 1.0 and not np.isnan(got.slices).any()
    assert not boundary_tables.silent_names(got)


@pytest.mark.parametrize(("name", "last"), [("13 thoracic, with CT", "T13"), ("cut at both ends, with CT", "T12")])
def test_ribs_drawn_into_the_ct_tell_the_names(name: str, last: str):
    condition = next(c for c in CONDITIONS if c.name == name)
    case = simulate(0, condition)
    data = given(case)
    reach = {s.reach_mm for s in data.clues.ribs.stripes}
    assert min(reach) < 55 and max(reach) == 90  # processes and ribs
    got = one_score("span-prior", data, case.truth)
    assert got.names_right and last in case.levels and not boundary_tables.silent_names(got)
    blind = one_score("span-prior", replace(data, clues=replace(data.clues, ribs=None)), case.truth)
    assert not blind.names_right


def test_the_same_seed_is_the_same_patient():
    first, again = simulate(1, STANDARD), simulate(1, STANDARD)
    assert first.truth == again.truth
    np.testing.assert_array_equal(given(first).profile.mean_suv, given(again).profile.mean_suv)
    assert simulate(2, STANDARD).truth != first.truth


def test_the_fit_finds_the_weights_that_made_the_data():
    rng = np.random.default_rng(0)
    keys = [key for key in dict.fromkeys(k for one in BOUNDARY.values() for k in one) if key != INTERCEPT]
    anchor = LowestLevel({"L5": 0.93, "L4": 0.07}, "because", sacrum=True)
    count = Row("L5"), Row("L4")
    kinds, cases = tuple(BOUNDARY), []
    truth = {kind: np.linspace(-1.5, 1.5, len(one)) for kind, one in BOUNDARY.items()}
    for i, sure in enumerate(rng.uniform(0.3, 1.0, 40)):
        by = np.array(kinds)[rng.integers(0, len(kinds), 400)]
        table = {key: rng.standard_normal(400) for key in keys}
        logit = np.zeros(400)
        for kind in kinds:
            columns = [np.ones(400), *(table[key] for key in BOUNDARY[kind] if key != INTERCEPT)]
            logit[by == kind] = (truth[kind] @ np.array(columns))[by == kind]
        right = rng.random(400) < 1 / (1 + np.exp(-logit))
        made = SimpleNamespace(features=table, placed_by=tuple(by), places=by)
        naming = Naming(("L5", "L4"), count[0], dict(zip(count, (sure, 1 - sure), strict=True)), anchor)
        real = "some CT" if i % 8 == 0 else ""
        cases.append(Example(made, np.arange(400) < 390, right, None if real else naming, bool(i % 3), real))
        right[390:] = ~right[390:]  # not asked for
    boundary, level = boundary_fit.fit(cases)
    assert list(boundary) == list(BOUNDARY) and list(level) == list(LEVEL)
    for kind, weights in boundary.items():
        np.testing.assert_allclose(list(weights.values()), truth[kind], atol=0.35)
    rows = [line for line in boundary_fit.left_out(cases) if line[2].isdigit()]
    cells = np.array([[float(cell) for cell in row.split("|")[2].split(",")] for row in rows])
    assert cells[:, 0].sum() == 5 * 390
    np.testing.assert_allclose(cells[:, 1], cells[:, 2], atol=0.12)


def test_tables_have_a_row_for_each_condition_and_count_what_is_silently_wrong():
    sure_and_wrong = score(TRUTH, (60.0, 240.0), found_at(("L4", "L3", 107.0, 0.95)), 4.0)
    groups = boundary_tables.grouped([Outcome("a", 28, "span-prior", sure_and_wrong)] * 2)
    rows = list(boundary_tables.detail(groups, "span-prior"))
    assert len(rows) == 3 and "100.0 %, 100.0 %" in rows[2] and "6 of 8" in rows[2]
    assert "1.75 (7.0)" in rows[2]
    real = [Outcome("a", 28, "span-prior", sure_and_wrong, name) for name in ("one", "other")]
    assert list(boundary_tables.by_anatomy(real, "a", "span-prior"))[2] == "| one | 4 | 0.0 % | 100.0 % |"
    curve = list(boundary_tables.calibration(groups, "span-prior"))
    assert "2, 0.950, 0.000" in curve[-1]
