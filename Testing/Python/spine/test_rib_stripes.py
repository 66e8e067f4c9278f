"""Ribs and processes drawn into a volume are found where they start, and as far as they reach."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from VertebraFLTLib.spine.rib_stripes import FAR_MM, find_ribs

HEIGHT, DEPTH, WIDTH = 240, 120, 240  # mm
MIDDLE = (50, 120)  # the column's, y and x


def drawn(slice_mm: float, stripes, background=40.0, extra=()) -> tuple[np.ndarray, np.ndarray]:
    """HU and slice heights. ``stripes``: (side, z at 30 mm, reach, mm of fall per mm outwards), 9 mm thick bones."""
    fine = np.full((HEIGHT, DEPTH, WIDTH), background, np.float32)
    for box, hu in extra:
        fine[box] = hu
    for side, z, reach, fall in stripes:
        for out in range(15, int(reach) + 1):
            x, at = MIDDLE[1] + side * out, z - fall * (out - 30)
            low, high = max(round(at - 5), 0), max(round(at + 5), 0)
            fine[low:high, MIDDLE[0] + 25 : MIDDLE[0] + 34, x] = 500
    count = int(HEIGHT / slice_mm)
    edges = np.round(np.arange(count + 1) * slice_mm).astype(int)
    thick = np.stack([fine[a:b].mean(axis=0) for a, b in pairwise(edges)])
    return thick, (np.arange(count) + 0.5) * slice_mm


def found(hu, z, width=None):
    centre = np.tile(np.array(MIDDLE, float), (len(hu), 1))
    return find_ribs(hu, z, centre, (1.0, 1.0))


@pytest.mark.parametrize("slice_mm", [1.0, 3.0, 5.0])
def test_ribs_and_processes_are_told_by_their_reach(slice_mm):
    truth = [(1, 40.0, 44, 0.0), (-1, 42.0, 36, 0.0), (1, 80.0, 66, 0.7), (-1, 80.0, 58, 0.7), (1, 120.0, 100, 0.6)]
    stripes = found(*drawn(slice_mm, truth)).stripes
    assert len(stripes) == len(truth)
    for side, z, reach, _ in truth:
        near = [s for s in stripes if s.side == side and abs(s.z_mm - z) <= slice_mm / 2 + 3]
        assert len(near) == 1
        assert abs(near[0].reach_mm - min(reach, FAR_MM)) <= 3


def test_a_kidney_full_of_contrast_medium_is_no_rib():
    kidney = (slice(40, 140), slice(MIDDLE[0], MIDDLE[0] + 40), slice(MIDDLE[1] + 32, MIDDLE[1] + 80))
    pelvis = (slice(85, 95), slice(MIDDLE[0] + 15, MIDDLE[0] + 25), slice(MIDDLE[1] + 50, MIDDLE[1] + 62))
    hu, z = drawn(2.0, [(1, 60.0, 38, 0.0), (1, 110.0, 80, 0.6)], extra=((kidney, 220.0), (pelvis, 900.0)))
    assert [round(s.reach_mm / 4) for s in found(hu, z).stripes] == [round(38 / 4), 20]


def test_a_bone_that_rises_outwards_is_not_followed():
    iliac_crest = found(*drawn(2.0, [(1, 60.0, 90, -1.6)])).stripes
    assert all(s.reach_mm < 55 for s in iliac_crest)


def test_a_process_that_a_short_rib_crosses_keeps_its_own_reach():
    process, rib = (1, 60.0, 46, 0.0), (1, 78.0, 66, 0.9)
    crossing = found(*drawn(2.0, [process, rib])).stripes
    lower, upper = (s.reach_mm for s in crossing)
    assert lower <= 50 and upper == pytest.approx(66, abs=3)


def test_slices_may_run_down_and_a_joint_may_gape():
    hu, z = drawn(2.0, [(1, 80.0, 70, 0.5), (-1, 80.0, 70, 0.5)])
    hu[:, :, MIDDLE[1] + 40 : MIDDLE[1] + 42] = 40  # between process and rib
    up, down = found(hu, z), found(hu[::-1], z[::-1])
    assert up == down and [s.reach_mm for s in up.stripes] == [70.0, 70.0]


def test_an_image_cropped_to_the_spine_says_nothing():
    hu, z = drawn(2.0, [(1, 80.0, 70, 0.5)])
    cropped = hu[:, :, MIDDLE[1] - 45 : MIDDLE[1] + 45]
    centre = np.tile(np.array([MIDDLE[0], 45.0]), (len(hu), 1))
    assert find_ribs(cropped, z, centre, (1.0, 1.0)) is None
    one_sided = hu[:, :, MIDDLE[1] - 45 :]
    assert {s.side for s in find_ribs(one_sided, z, centre, (1.0, 1.0)).stripes} == {1}


def test_a_rib_that_leaves_the_image_is_long():
    hu, z = drawn(2.0, [(1, 80.0, 100, 0.2)])
    narrow = hu[:, :, MIDDLE[1] - 70 : MIDDLE[1] + 70]
    centre = np.tile(np.array([MIDDLE[0], 70.0]), (len(hu), 1))
    assert [s.reach_mm for s in find_ribs(narrow, z, centre, (1.0, 1.0)).stripes] == [FAR_MM]
