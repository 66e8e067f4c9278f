"""Boundaries as planes: tilting, moving by a plane, locks and ticks, and planes that must not cross."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet, EditRefused
from VertebraFLTLib.spine.boundary import AXIAL, unit_normal
from VertebraFLTLib.spine.boundary_rules import height_at
from VertebraFLTLib.spine.levels import names_up
from VertebraFLTLib.spine.profile import Profile


def leaning(degrees: float) -> tuple[float, float, float]:
    """The normal of a plane whose front is lower by this angle."""
    return (0.0, -math.sin(math.radians(degrees)), math.cos(math.radians(degrees)))


def set_of(*z: float, normals: dict[int, tuple[float, float, float]] | None = None) -> BoundarySet:
    """Boundaries on a centre line at x = 5 that leans to the back by a tenth of its height."""
    names = names_up("L5", len(z) + 1)
    bounds = [
        Boundary(
            names[i],
            names[i + 1],
            at / 4,
            float(at),
            1.0,
            0.8,
            "span-prior",
            centre_mm=(5.0, 0.1 * at, float(at)),
            normal=(normals or {}).get(i, AXIAL),
        )
        for i, at in enumerate(z)
    ]
    return BoundarySet(tuple(bounds), 0.0, 200.0)


def test_a_plane_that_would_cross_its_neighbour_where_it_was_may_go_where_it_does_not():
    steep = leaning(25)
    close = set_of(40, 52, 110, normals={0: steep, 1: steep})
    axial = close.set_plane(1, (5.0, 7.5, 75.0), AXIAL)
    assert axial == close.move(1, 75.0).tilt(1, AXIAL) and axial.boundaries[1].z_mm == 75.0


def test_an_edited_height_in_the_table_moves_the_plane_as_an_edit_does():
    z = np.arange(0.0, 200.0, 4.0)
    profile = Profile(np.arange(50.0), z, np.ones(50), np.full(50, 40))
    start = replace(set_of(40, 75, 110), profile=profile)
    lean = tuple(np.array([0.0, 0.1, 1.0]) / math.hypot(0.1, 1.0))  # along the centre line
    start = start.tilt(1, lean)
    rows = list(csv.DictReader(io.StringIO(start.to_csv())))
    rows[1]["z_mm"] = "81.0"
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    read, moved = (
        BoundarySet.from_csv(text.getvalue(), profile=profile).boundaries[1],
        start.move(1, 81.0).boundaries[1],
    )
    assert read.centre_mm == pytest.approx(moved.centre_mm) and read.normal == pytest.approx(moved.normal)
    assert read.centre_mm == pytest.approx((5.0, 8.1, 81.0)) and read.source == "user"


def test_a_tilt_turns_the_plane_about_its_centre_and_leaves_the_rest():
    before = set_of(40, 75, 110)
    after = before.tilt(1, (0.0, -2.0, 5.0))
    one = after.boundaries[1]
    assert one.normal == pytest.approx((0, -2 / math.sqrt(29), 5 / math.sqrt(29)))
    assert one.tilt_deg == pytest.approx(math.degrees(math.atan(0.4)))
    assert (one.z_mm, one.centre_mm, one.confidence, one.source) == (75, (5.0, 7.5, 75.0), 0.8, "span-prior")
    assert after.boundaries[::2] == before.boundaries[::2]
    assert before.tilt(1, (0.0, 2.0, -5.0)) == after  # a plane has no upper side of its own


@pytest.mark.parametrize(
    ("normal", "words"),
    [
        ((0.0, 0.0, 0.0), "no direction"),
        ((math.nan, 0.0, 1.0), "no direction"),
        ((0.0, 3.0, 1.0), "tilted by 72 degrees"),
        ((1.0, 0.0, 0.0), "tilted by 90 degrees"),
    ],
)
def test_what_is_no_disc_is_refused(normal, words: str):
    with pytest.raises(EditRefused, match=words):
        set_of(40, 75).tilt(0, normal)


def test_a_boundary_without_a_centre_cannot_be_tilted():
    bare = replace(set_of(40, 75), boundaries=tuple(replace(b, centre_mm=None) for b in set_of(40, 75).boundaries))
    with pytest.raises(EditRefused, match="L5/L4 cannot be tilted: the column's centre line is not known"):
        bare.tilt(0, leaning(10))


def test_planes_that_would_cross_in_the_column_are_refused():
    before = set_of(40, 60)
    # At 18 mm from the middle a plane of 40 degrees is 15 mm lower or higher, less than the 20 mm between the two.
    assert before.tilt(0, leaning(40)).boundaries[0].tilt_deg == pytest.approx(40)
    with pytest.raises(EditRefused, match="planes L5/L4 and L4/L3 would cross inside the column"):
        before.tilt(0, leaning(40)).tilt(1, leaning(-30))
    parallel = set_of(40, 50, normals={0: leaning(45), 1: leaning(45)})
    assert parallel.problem() == ""


def test_a_move_follows_the_centre_line_and_keeps_the_tilt():
    before = set_of(40, 75, 110, normals={1: leaning(12)})
    one = before.move(1, 82.0).boundaries[1]
    assert one.centre_mm == pytest.approx((5.0, 8.2, 82.0))
    assert (one.normal, one.source) == (leaning(12), "user")


def test_an_inserted_boundary_leans_as_its_neighbours_do():
    one = set_of(40, 110, normals={0: leaning(20), 1: leaning(10)}).insert(75.0).boundaries[1]
    assert one.centre_mm == pytest.approx((5.0, 7.5, 75.0))
    assert one.normal == pytest.approx(leaning(15), abs=1e-3)
    top = set_of(40, 75, normals={1: leaning(20)}).insert(110.0).boundaries[2]  # straight on beyond the last one
    assert top.centre_mm == pytest.approx((5.0, 7.5 - 35 * math.tan(math.radians(20)), 110.0))


def test_a_plane_dragged_in_space_moves_and_tilts_its_boundary():
    before = set_of(40, 75, 110)
    point = (40.0, -12.0, 85.0)
    after = before.set_plane(1, point, leaning(15))
    one = after.boundaries[1]
    assert one.normal == pytest.approx(leaning(15))
    assert one.centre_mm is not None and one.centre_mm[1] == pytest.approx(0.1 * one.z_mm)  # on the centre line
    assert height_at(one, point[:2]) == pytest.approx(point[2])  # and the point is on the plane
    with pytest.raises(EditRefused, match="lies outside the column"):
        before.set_plane(1, (0.0, 0.0, 900.0), AXIAL)


def test_a_locked_boundary_stays_where_it_is():
    locked = set_of(40, 75, 110).lock(1)
    for edit in (
        lambda: locked.move(1, 77.0),
        lambda: locked.tilt(1, leaning(5)),
        lambda: locked.delete(1),
        lambda: locked.set_plane(1, (0.0, 0.0, 77.0), AXIAL),
    ):
        with pytest.raises(EditRefused, match="L4/L3 is locked: it cannot be"):
            edit()
    assert locked.shift_levels(1).boundaries[1].locked  # names are not part of it
    assert locked.move(0, 42.0).insert(150.0).boundaries[1] == locked.boundaries[1]
    assert locked.lock(1, False).move(1, 77.0).boundaries[1].z_mm == 77.0


def test_a_tick_survives_what_leaves_the_boundary_there():
    ticked = set_of(40, 75).review(0)
    assert [b.reviewed for b in ticked.boundaries] == [True, False]
    assert ticked.move(0, 41.0).tilt(0, leaning(5)).boundaries[0].reviewed
    assert not ticked.review(0, False).boundaries[0].reviewed
    with pytest.raises(EditRefused, match="no boundary 2"):
        ticked.review(2)


def test_impossible_planes_cannot_be_made():
    one = set_of(40, 75).boundaries[0]
    for change in ({"z_mm": 41.0}, {"normal": (0.0, 0.0, 2.0)}, {"normal": (0.0, 0.0, -1.0)}):
        with pytest.raises(ValueError):
            replace(one, **change)
    with pytest.raises(ValueError, match="needs its centre"):
        replace(one, centre_mm=None, normal=leaning(3))
    assert unit_normal((0.0, 0.0, -7.0)) == AXIAL


# --- CSV --------------------------------------------------------------------------------------------------------------

OLD = "index,below,above,pet_slice,z_mm,depth_suv,confidence,source\n0,L5,L4,10.0,40.0,1.0,0.9,thesis\n"
NEW = OLD.replace("source", "source,centre_x_mm,centre_y_mm,normal_x,normal_y,normal_z,locked,reviewed")


def test_planes_locks_and_ticks_are_in_the_table():
    before = set_of(40, 75, 110, normals={0: leaning(11), 2: leaning(-7)}).lock(0).review(2)
    back = BoundarySet.from_csv(before.to_csv())
    assert back.boundaries == before.boundaries
    assert before.to_csv().splitlines()[1].endswith(",1,0")


def test_a_table_of_before_there_were_planes_is_axial():
    (one,) = BoundarySet.from_csv(OLD).boundaries
    assert (one.centre_mm, one.normal, one.locked, one.reviewed) == (None, AXIAL, False, False)
    assert BoundarySet.from_csv(NEW.replace("thesis", "thesis,,,,,,,")).boundaries == (one,)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("1,x,0,0,1,0,0", "row 2, column centre_y_mm: 'x' is not a number"),
        ("1,,0,0,1,0,0", "row 2, column centre_y_mm: '' is not a number"),
        ("1,2,0,0,,0,0", "row 2, column normal_z: '' is not a number"),
        ("1,2,0,9,1,0,0", "row 2, columns normal_x to normal_z: a boundary tilted by 84 degrees"),
        ("1,2,0,0,0,0,0", "row 2, columns normal_x to normal_z"),
        (",,0,0.1,1,0,0", "row 2, column centre_x_mm: is empty, but the plane is tilted"),
        ("1,2,0,0,1,yes,0", "row 2, column locked: 'yes' is neither 0 nor 1"),
        ("1,2,0,0,1,0,2", "row 2, column reviewed: '2' is neither 0 nor 1"),
    ],
)
def test_errors_name_the_column(cells: str, words: str):
    with pytest.raises(InputError, match=words) as caught:
        BoundarySet.from_csv(NEW.replace("thesis", "thesis," + cells))
    assert "\n" not in str(caught.value)


def test_a_normal_typed_by_hand_need_not_be_a_unit_vector():
    (one,) = BoundarySet.from_csv(NEW.replace("thesis", "thesis,1,2,0,-1,3,0,0")).boundaries
    assert one.normal == pytest.approx(np.array([0, -1, 3]) / math.sqrt(10))
