"""Undo, redo, reset and the log; whatever is done, order and spans hold and all of it survives being kept as text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import MIN_SPAN_MM, Boundary, BoundarySet
from VertebraFLTLib.spine.history import History
from VertebraFLTLib.spine.levels import follows, names_up
from VertebraFLTLib.spine.profile import Profile


def start_set() -> BoundarySet:
    z = np.arange(-6.0, 220.0, 4.0)
    profile = Profile(np.arange(len(z)), z, 5 + np.cos(2 * np.pi * z / 30.0), ((z > 0) & (z < 200)) * 9)
    names = names_up("L5", 6)
    bounds = [
        Boundary(
            names[i],
            names[i + 1],
            profile.axis.slice_at(at),
            at,
            1.0,
            0.9,
            "thesis",
            ("shallow valley",),
            centre_mm=(1.0, 0.1 * at, at),
            normal=(0.0, -math.sin(0.1 * i), math.cos(0.1 * i)),
        )
        for i, at in enumerate((33.0, 68.0, 104.0, 139.0, 168.0))
    ]
    return BoundarySet(tuple(bounds), 0.0, 200.0, 0.9, "counted", profile=profile)


def test_undo_and_redo_go_back_and_forth():
    start = start_set()
    history = History(start)
    assert (history.can_undo, history.can_redo, history.current, history.detected) == (False, False, start, start)
    moved, tilted = start.move(0, 36.0), start.move(0, 36.0).tilt(1, (0.1, 0.0, 1.0))
    history.apply("move L5/L4", moved)
    history.apply("tilt L4/L3", tilted, who="AB")
    assert history.undo() == moved and history.undo() == start and history.undo() == start
    assert history.redo() == moved and history.can_redo
    other = history.apply("delete L2/L1", moved.delete(3))
    assert (history.can_redo, history.redo()) == (False, other)
    assert history.undo() == moved


def test_a_reset_is_a_step_like_any_other():
    history = History(start_set())
    moved = history.apply("move", start_set().move(0, 36.0))
    assert history.reset() == history.detected
    assert history.undo() == moved


def test_no_change_is_no_step():
    history = History(start_set())
    history.apply("lock nothing", start_set())
    history.reset()
    history.undo()
    history.redo()
    assert not history.can_undo and history.log == ()


def test_the_log_says_who_did_what_and_when():
    history = History(start_set())
    history.apply("move L5/L4 to 36.0 mm", start_set().move(0, 36.0), who="Dr A")
    history.undo(who="Dr B")
    history.redo()
    history.note("accepted", who="Dr A")
    assert [(e.who, e.what) for e in history.log] == [
        ("Dr A", "move L5/L4 to 36.0 mm"),
        ("Dr B", "undo: move L5/L4 to 36.0 mm"),
        ("", "redo: move L5/L4 to 36.0 mm"),
        ("Dr A", "accepted"),
    ]
    assert datetime.fromisoformat(history.log[0].when).utcoffset() is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"format_version": 7}),
        History(start_set()).to_json().replace('"at": 0', '"at": 3'),
        History(start_set()).to_json().replace('"z_mm": 68.0', '"z_mm": 999.0'),
        History(start_set()).to_json().replace('"depth_suv"', '"depth"'),
    ],
)
def test_what_is_no_history_is_refused_in_one_line(text: str):
    with pytest.raises(InputError, match="^history.json: ") as caught:
        History.from_json(text, name="history.json")
    assert "\n" not in str(caught.value)


EDITS: dict[str, Callable[[BoundarySet, int, float, str], BoundarySet]] = {
    "move": lambda s, i, z, _: s.move(i, z),
    "nudge": lambda s, i, z, _: s.move(i, s.boundaries[i].z_mm + 0.05 * z),
    "insert": lambda s, i, z, _: s.insert(z),
    "delete": lambda s, i, z, _: s.delete(i),
    "tilt": lambda s, i, z, _: s.tilt(i, (0.003 * z - 0.3, 0.2 * i - 0.4, 1.0)),
    "plane": lambda s, i, z, _: s.set_plane(i, (9.0, -4.0, z), (0.1, 0.2, 1.0)),
    "shift": lambda s, i, z, _: s.shift_levels(i),
    "lowest": lambda s, i, z, name: s.set_lowest(name),
    "rename": lambda s, i, z, name: s.rename(i, name),
    "lock": lambda s, i, z, _: s.lock(i, z > 60),
    "review": lambda s, i, z, _: s.review(i, z > 60),
}
STEPS = st.tuples(
    st.sampled_from([*EDITS, "undo", "redo", "reset"]),
    st.integers(-2, 7),
    st.floats(-30, 230),
    st.sampled_from(["L6", "L5", "L1", "T13", "T12", "T11", "T1", "C3"]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(STEPS, max_size=20))
def test_any_sequence_of_edits_keeps_order_spans_locks_and_undo(sequence):
    start = start_set()
    history, model, at = History(start), [start], 0  # the model: a list of sets and a position in it
    for what, index, z, name in sequence:
        if what == "undo":
            history.undo()
            at = max(at - 1, 0)
        elif what == "redo":
            history.redo()
            at = min(at + 1, len(model) - 1)
        else:
            try:
                edited = start if what == "reset" else EDITS[what](history.current, index, z, name)
            except (InputError, IndexError) as error:
                assert "\n" not in str(error)
                continue
            history.apply(what, edited)
            if edited != model[at]:
                model, at = [*model[: at + 1], edited], at + 1
        now = history.current
        assert now == model[at] and history.detected == start
        assert (history.can_undo, history.can_redo) == (at > 0, at < len(model) - 1)
        heights = [b.z_mm for b in now.boundaries]
        assert now.bottom_z_mm < heights[0] and heights[-1] < now.top_z_mm
        assert all(b - a >= MIN_SPAN_MM for a, b in pairwise(heights))
        assert all(follows(b.below, b.above) for b in now.boundaries)
        assert all(a.above == b.below for a, b in pairwise(now.boundaries))
        assert all(abs(math.hypot(*b.normal) - 1) < 1e-9 and b.normal[2] >= 0.5 - 1e-9 for b in now.boundaries)
        assert all(b.centre_mm is not None and b.centre_mm[2] == b.z_mm for b in now.boundaries)
    kept = History.from_json(history.to_json(), start.profile)
    assert (kept.current, kept.log) == (history.current, history.log)
    assert kept.to_json() == history.to_json()
    while kept.can_undo:
        assert kept.undo() == history.undo()
    assert kept.current == start


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_the_table_of_any_edited_set_reads_back_exactly(sequence):
    now = start_set()
    for what, index, z, name in sequence:
        try:
            now = EDITS[what](now, index, z, name) if what in EDITS else now
        except (InputError, IndexError):
            continue
    back = BoundarySet.from_csv(now.to_csv(), now.profile)
    # Why a confidence is not higher is not part of the table.
    said = tuple(replace(b, reasons=()) for b in now.boundaries)
    assert tuple(replace(b, reasons=()) for b in back.boundaries) == said
    assert back.to_csv() == now.to_csv()
