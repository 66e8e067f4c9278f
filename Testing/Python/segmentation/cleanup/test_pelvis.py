"""Hips on either side, the sacrum between them below the column; size alone where no column is in view."""

import pytest

from VertebraFLTLib.segmentation.cleanup import clean_up
from VertebraFLTLib.segmentation.cleanup.pelvis import hips_of, sacrum_of

FEMORAL_HEAD = (2, (126, 160), (40, 75), (-230, -190))


@pytest.mark.parametrize("names", [("hips",), ("hips", "column"), ("hips", "sacrum")])
def test_a_pair_of_hips_stays_whatever_else_is_in_view(space, bones, names):
    blocks = [b for name in names for b in (bones[name] if isinstance(bones[name], list) else [bones[name]])]
    assert clean_up(space().paint(*blocks))[1] == {}


def test_one_hip_may_be_in_view(space, bones):
    assert clean_up(space().paint(*bones["column"], bones["hips"][1], bones["sacrum"]))[1] == {}


def test_hips_joined_by_a_leak_stay(space, bones):
    leak = (2, (-60, 60), (20, 30), (-240, -225))
    assert clean_up(space().paint(*bones["all"], leak))[1] == {}


def test_two_pieces_on_one_side_are_not_a_pair(space, bones):
    s = space()
    hip, other = bones["hips"][0], (2, (-190, -150), (20, 100), (-250, -100))
    cleaned, _ = clean_up(s.paint(*bones["column"], hip, other))
    assert s.kept(cleaned, hip) == 1 and s.kept(cleaned, other) == 0


@pytest.mark.parametrize(
    "island",
    [
        FEMORAL_HEAD,
        (2, (150, 180), (20, 60), (-300, -260)),  # a trochanter
        (2, (-20, 20), (40, 80), (-300, -270)),  # in the midline
        (2, (60, 110), (30, 90), (100, 190)),  # ribs
    ],
)
def test_islands_beside_the_hips_go(space, bones, island):
    s = space()
    cleaned, removed = clean_up(s.paint(*bones["all"], island))
    assert s.kept(cleaned, island) == 0 and set(removed) == {"hip_bone"}


def test_a_fragment_of_a_hip_bone_stays(space, bones):
    ischium = (2, (50, 80), (70, 110), (-300, -258))
    assert clean_up(space().paint(*bones["all"], ischium))[1] == {}


def test_the_iliac_crests_of_a_cut_field_stay(space, body):
    column = [body(z) for z in range(-150, 150, 33)]
    crests = [(2, (-120, -60), (50, 90), (-150, -115)), (2, (60, 120), (50, 90), (-150, -115))]
    assert clean_up(space(size_mm=(400, 300, 300)).paint(*column, *crests))[1] == {}


def test_a_missed_lower_spine_does_not_cost_the_pelvis(space, bones):
    upper = bones["column"][2:]
    assert clean_up(space().paint(*upper, *bones["hips"], bones["sacrum"]))[1] == {}


def test_a_false_column_is_no_anchor(space, bones):
    s = space()
    false = (1, (150, 165), (50, 62), (-330, -324))
    cleaned, _ = clean_up(s.paint(false, *bones["hips"], bones["sacrum"]))
    assert all(s.kept(cleaned, bone) == 1 for bone in (*bones["hips"], bones["sacrum"]))


@pytest.mark.parametrize(
    "island",
    [
        (4, (-20, 20), (95, 110), (150, 190)),  # arches in the chest
        (4, (130, 160), (70, 110), (-160, -110)),  # beyond the hips
        (4, (-25, 25), (95, 110), (-300, -270)),  # below them
    ],
)
def test_sacrum_elsewhere_goes(space, bones, island):
    s = space()
    cleaned, removed = clean_up(s.paint(*bones["all"], island))
    assert s.kept(cleaned, island) == 0 and s.kept(cleaned, bones["sacrum"]) == 1 and set(removed) == {"sacrum"}


def test_a_leak_larger_than_the_sacrum_does_not_take_its_place(space, bones):
    s = space()
    leak = (4, (-40, 40), (85, 125), (0, 220))
    cleaned, _ = clean_up(s.paint(*bones["all"], leak))
    assert s.kept(cleaned, leak) == 0 and s.kept(cleaned, bones["sacrum"]) == 1


def test_a_sacrum_in_segments_stays(space, bones):
    segments = [(4, (-45, 45), (70, 105), (z, z + 20)) for z in (-117, -144, -171)]
    assert clean_up(space().paint(*bones["column"], *bones["hips"], *segments))[1] == {}


def test_a_chest_without_pelvis_has_no_hips_nor_sacrum(space, body):
    s = space(size_mm=(400, 300, 500))
    column = [body(z) for z in range(-250, 240, 25)]
    false = [(2, (-150, -120), (80, 100), (120, 200)), (4, (-20, 20), (95, 115), (50, 150))]
    cleaned, _ = clean_up(s.paint(*column, *false))
    assert all(s.kept(cleaned, block) == 0 for block in false)


def test_nothing_gives_nothing():
    assert hips_of([], None, 3.0) == [] and sacrum_of([], None, [], 3.0) == []
