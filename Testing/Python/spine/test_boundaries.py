"""Boundary sets: edits keep order, spans and names; vertebrae at the ends; CSV exact and checked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import MIN_SPAN_MM, Boundary, BoundarySet, EditRefused
from VertebraFLTLib.spine.levels import follows, names_up
from VertebraFLTLib.spine.profile import Profile


def profile_of(low: float, high: float, spacing: float = 4.0, margin: int = 3) -> Profile:
    z = np.arange(low + spacing / 2 - margin * spacing, high + margin * spacing, spacing)
    inside = (z > low) & (z < high)
    wave = 5 + np.cos(2 * np.pi * (z - low) / 30.0)
    return Profile(np.arange(len(z), dtype=float), z, np.where(inside, wave, 0), inside * 9)


def set_of(*z: float, lowest: str = "L5", low: float = 0.0, high: float = 200.0, **more: object) -> BoundarySet:
    names = names_up(lowest, len(z) + 1)
    bounds = [Boundary(names[i], names[i + 1], (at + 2) / 4, float(at), 1.0, 0.9, "thesis") for i, at in enumerate(z)]
    return BoundarySet(tuple(bounds), low, high, 0.9, "", **more)  # type: ignore[arg-type]


# --- edits ------------------------------------------------------------------------------------------------------------


def test_move_places_the_boundary_and_says_who_did():
    before = set_of(35, 70, 105)
    after = before.move(1, 72.0)
    assert [b.z_mm for b in after.boundaries] == [35, 72.0, 105]
    moved = after.boundaries[1]
    assert (moved.source, moved.confidence, moved.pet_slice) == ("user", 1.0, (72.0 + 2) / 4)
    assert (moved.below, moved.above) == ("L4", "L3")
    assert [b.z_mm for b in before.boundaries] == [35, 70, 105]


def test_insert_moves_the_names_above_up_and_delete_moves_them_down():
    before = set_of(35, 70, 140)
    after = before.insert(105.0)
    assert after.names == ("L5", "L4", "L3", "L2", "L1")
    assert [b.z_mm for b in after.boundaries] == [35, 70, 105.0, 140]
    assert after.delete(2).names == before.names
    assert [b.z_mm for b in after.delete(0).boundaries] == [70, 105.0, 140]
    assert before.insert(10.0).names[0] == "L5"


def test_levels_shift_together_and_the_lowest_can_be_named():
    before = set_of(35, 70)
    assert before.shift_levels(1).names == ("L4", "L3", "L2")
    assert before.shift_levels(-1).names == ("L6", "L5", "L4")
    assert before.set_lowest("t12").names == ("T12", "T11", "T10")
    assert before.set_lowest("T12").level_confidence == 1.0
    assert before.shift_levels(3).shift_levels(-3).names == before.names


def test_rename_one_counts_on_upwards():
    before = set_of(30, 60, 90, lowest="L2")
    assert before.rename(2, "T13").names == ("L2", "L1", "T13", "T12")
    assert before.rename(2, "T11").names == ("L2", "L1", "T11", "T10")
    assert before.rename(0, "L3").names == ("L3", "L2", "L1", "T12")
    with pytest.raises(EditRefused, match="T5 cannot lie next above L1"):
        before.rename(2, "T5")
    assert before.rename(2, "T13").insert(45.0).names == ("L2", "L1", "T13", "T12", "T11")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda s: s.move(1, 36.0), "L4 would be 1.0 mm high"),
        (lambda s: s.move(1, 120.0), "upside down"),
        (lambda s: s.move(0, -3.0), "outside the column"),
        (lambda s: s.move(2, 400.0), "outside the column"),
        (lambda s: s.move(7, 50.0), "no boundary 7"),
        (lambda s: s.insert(37.0), "boundaries keep 6 mm apart"),
        (lambda s: s.delete(3), "no boundary 3"),
        (lambda s: s.delete(0).delete(0).delete(0), "the last boundary stays"),
        (lambda s: s.shift_levels(-2), "the lowest possible is L6"),
        (lambda s: s.shift_levels(22), "past C1"),
        (lambda s: s.shift_levels(99), "no vertebra lies 99 above"),
        (lambda s: s.set_lowest("C2"), "past C1"),
        (lambda s: s.set_lowest("L7"), "no such vertebra"),
        (lambda s: s.rename(9, "L3"), "no vertebra 9"),
        (lambda s: s.move(1, float("nan")), "outside the column"),
    ],
)
def test_refused_edits_say_why(edit, words: str):
    with pytest.raises(InputError, match=words):
        edit(set_of(35, 70, 105))


def test_edits_recompute_the_valley_depth_from_the_profile():
    profile = profile_of(0, 200)  # valleys at 15, 45, 75 ... of depth 2
    before = replace(set_of(45, 75), profile=profile)
    assert before.move(0, 44.0).boundaries[0].depth_suv == pytest.approx(2, abs=0.2)
    assert before.move(0, 60.0).boundaries[0].depth_suv < 0.5


def test_a_first_boundary_can_be_placed_by_hand():
    profile = profile_of(0, 200)
    first = BoundarySet.single("T4", 90.0, profile)
    assert first.names == ("T4", "T3")
    assert (first.bottom_z_mm, first.top_z_mm) == profile.extent_mm
    assert first.insert(120.0).names == ("T4", "T3", "T2")


edits = st.lists(
    st.tuples(
        st.sampled_from(["move", "insert", "delete", "shift", "lowest", "rename"]),
        st.integers(-2, 9),
        st.floats(-30, 230),
        st.sampled_from(["L6", "L5", "L1", "T13", "T12", "T11", "T1", "C3", "C1"]),
    ),
    max_size=25,
)


@settings(max_examples=120, deadline=None)
@given(edits, st.booleans())
def test_any_sequence_of_edits_keeps_order_spans_names_and_history(sequence, with_profile: bool):
    start = set_of(33, 68, 104, 139, 168)
    if with_profile:
        start = replace(start, profile=profile_of(0, 200))
    history, texts = [start], [start.to_csv()]
    for what, index, z, name in sequence:
        now = history[-1]
        try:
            after = {
                "move": lambda now=now, i=index, z=z: now.move(i, z),
                "insert": lambda now=now, z=z: now.insert(z),
                "delete": lambda now=now, i=index: now.delete(i),
                "shift": lambda now=now, i=index: now.shift_levels(i),
                "lowest": lambda now=now, n=name: now.set_lowest(n),
                "rename": lambda now=now, i=index, n=name: now.rename(i, n),
            }[what]()
        except InputError as error:
            assert "\n" not in str(error)
            continue
        history.append(after)
        texts.append(after.to_csv())
        z_all = [b.z_mm for b in after.boundaries]
        assert after.bottom_z_mm < z_all[0] and z_all[-1] < after.top_z_mm
        assert all(b - a >= MIN_SPAN_MM for a, b in pairwise(z_all))
        assert all(follows(b.below, b.above) for b in after.boundaries)
        assert all(a.above == b.below for a, b in pairwise(after.boundaries))
        assert len(set(after.names)) == len(after.names)
        back = BoundarySet.from_csv(after.to_csv())
        assert back.to_csv() == after.to_csv()
    # Undo: every earlier set is still what it was.
    assert [one.to_csv() for one in history] == texts


# --- vertebrae --------------------------------------------------------------------------------------------------------


def test_vertebrae_between_boundaries_and_at_whole_ends():
    found = set_of(35, 70, 104, low=0, high=138).vertebrae()
    assert [tuple(v) for v in found] == [("L5", 0, 35), ("L4", 35, 70), ("L3", 70, 104), ("L2", 104, 138)]
    assert all(v.complete for v in found)


def test_the_neck_above_the_last_boundary_is_no_vertebra():
    found = set_of(35, 70, 104, low=0, high=260).vertebrae()
    assert [v.level for v in found] == ["L5", "L4", "L3"]


def test_a_vertebra_cut_by_the_field_of_view_is_marked():
    found = set_of(20, 55, 90, low=0, high=118, bottom_cut=True, top_cut=True).vertebrae()
    assert [v.level for v in found] == ["L5", "L4", "L3", "L2"]
    assert [v.complete for v in found] == [False, True, True, False]
    assert "field of view" in found[0].reason


def test_a_rim_is_no_vertebra_and_half_a_one_is_marked():
    found = set_of(5, 40, 75, low=0, high=92).vertebrae()
    assert [(v.level, v.complete) for v in found] == [("L4", True), ("L3", True), ("L2", False)]
    assert "expected span" in found[-1].reason


# --- CSV --------------------------------------------------------------------------------------------------------------

HEADER = "index,below,above,pet_slice,z_mm,depth_suv,confidence,source\n"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(6.0, 40.0), min_size=1, max_size=22),
    st.floats(-900, 900),
    st.lists(st.floats(-5, 50), min_size=22, max_size=22),
    st.lists(st.floats(0, 1), min_size=22, max_size=22),
)
def test_csv_round_trip_is_exact(spans, start, depths, confidences):
    z = start + np.cumsum(spans)
    names = names_up("L5", len(z) + 1)
    bounds = tuple(
        Boundary(names[i], names[i + 1], float(at / 3.3), float(at), depths[i], confidences[i], "span-prior")
        for i, at in enumerate(z)
    )
    before = BoundarySet(bounds, start, float(z[-1] + 30))
    text = before.to_csv()
    assert text.startswith(HEADER.strip() + ",")
    back = BoundarySet.from_csv(text)
    assert back.boundaries == before.boundaries
    assert back.to_csv() == text


def test_reading_with_the_profile_restores_extent_and_changes_nothing():
    profile = profile_of(0, 200)
    axis = profile.axis
    before = set_of(45, 75)
    before = replace(before, boundaries=tuple(replace(b, pet_slice=axis.slice_at(b.z_mm)) for b in before.boundaries))
    back = BoundarySet.from_csv(before.to_csv(), profile)
    assert back.boundaries == before.boundaries
    assert (back.bottom_z_mm, back.top_z_mm, back.bottom_cut, back.top_cut) == (0, 200, False, False)


def test_an_edited_z_wins_over_the_slice_and_becomes_the_users():
    profile = profile_of(0, 200)
    text = HEADER + "0,L5,L4,11.75,45.0,2.0,0.9,thesis\n1,L4,L3,19.25,80.0,2.0,0.9,thesis\n5,L3,L2,,110.0,,,\n"
    found = BoundarySet.from_csv(text, profile).boundaries
    assert [b.source for b in found] == ["user", "user", "user"]
    assert found[1].pet_slice == pytest.approx(profile.axis.slice_at(80.0))
    assert found[2].confidence == 1.0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "has no boundaries"),
        ("0,L5,L4,1,x,1,1,user", "row 2, column z_mm: 'x' is not a number"),
        ("0,L5,L4,1,nan,1,1,user", "row 2, column z_mm"),
        ("0,L5,L4,,10,1,1,user", "row 2, column pet_slice: is empty"),
        ("0.5,L5,L4,1,10,1,1,user", "row 2, column index"),
        ("0,L9,L4,1,10,1,1,user", "row 2, column below: L9: no such vertebra"),
        ("0,L5,,1,10,1,1,user", "row 2, column above:"),
        ("0,L5,L3,1,10,1,1,user", "L3 cannot lie next above L5"),
        ("0,L5,L4,1,10,1,1.2,user", "row 2, column confidence: '1.2' is not between 0 and 1"),
        ("0,L5,L4,1,10,1,1,magic", "row 2, column source: 'magic' is none of thesis"),
        ("0,L5,L4,1,10,1,1", "row 2 has 7 cells"),
        ("0,L5,L4,1,10,1,1,user\n1,L4,L3,2,9,1,1,user", "row 3, column z_mm: must be above"),
        ("0,L5,L4,1,10,1,1,user\n1,L3,L2,2,40,1,1,user", "row 3, column below: L3, but the row before has L4 above"),
        ("0,L5,L4,1,10,1,1,user\n1,L4,L3,2,12,1,1,user", "L4 would be 2.0 mm high"),
        ('0,L5,"L4,1,10,1,1,user', "not a CSV table"),
    ],
)
def test_csv_errors_name_row_and_column(rows: str, words: str):
    with pytest.raises(InputError, match=words) as caught:
        BoundarySet.from_csv(HEADER + rows + "\n")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("boundaries.csv: ")


def test_csv_header_must_fit():
    with pytest.raises(InputError, match="row 1 must name the column source once"):
        BoundarySet.from_csv("index,below,above,pet_slice,z_mm,depth_suv,confidence\n")
    with pytest.raises(InputError, match="unknown column 'colour'"):
        BoundarySet.from_csv(HEADER.strip() + ",colour\n")


def test_a_boundary_outside_the_column_is_refused():
    with pytest.raises(InputError, match="L5/L4 at z 500.0 mm lies outside the column"):
        BoundarySet.from_csv(HEADER + "0,L5,L4,,500,1,1,user\n", profile_of(0, 200))
