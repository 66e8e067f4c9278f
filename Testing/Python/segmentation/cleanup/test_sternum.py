"""The sternum in parts along one line stays; what lies behind, beside or below goes."""

import pytest

from VertebraFLTLib.segmentation.cleanup import clean_up
from VertebraFLTLib.segmentation.cleanup.sternum import sternum_of


def test_manubrium_body_and_xiphoid_stay(space, bones):
    xiphoid = (3, (-6, 9), (-75, -63), (70, 90))
    assert clean_up(space().paint(*bones["all"], xiphoid))[1] == {}


def test_without_a_column_the_largest_piece_stays_with_its_parts(space, bones):
    s = space()
    far = (3, (-100, -80), (50, 70), (0, 30))
    cleaned, removed = clean_up(s.paint(*bones["sternum"], far))
    assert s.kept(cleaned, far) == 0 and set(removed) == {"sternum"}
    assert all(s.kept(cleaned, part) == 1 for part in bones["sternum"])


@pytest.mark.parametrize(
    "island",
    [
        (3, (26, 40), (-72, -57), (120, 140)),  # calcified rib cartilage near by
        (3, (60, 120), (-60, -45), (180, 200)),  # a rib
        (3, (-20, 20), (95, 120), (120, 200)),  # behind the column
        (3, (-30, 30), (-60, -45), (-200, -150)),  # at the pelvis
        (3, (-20, 20), (-60, -40), (310, 340)),  # the hyoid, the jaw
    ],
)
def test_what_cannot_be_sternum_goes(space, bones, island):
    s = space()
    cleaned, removed = clean_up(s.paint(*bones["all"], island))
    assert s.kept(cleaned, island) == 0 and set(removed) == {"sternum"}
    assert all(s.kept(cleaned, part) == 1 for part in bones["sternum"])


def test_a_leak_larger_than_the_sternum_does_not_take_its_place(space, bones):
    s = space()
    leak = (3, (-60, 60), (95, 130), (80, 280))
    cleaned, _ = clean_up(s.paint(*bones["all"], leak))
    assert s.kept(cleaned, leak) == 0 and all(s.kept(cleaned, part) == 1 for part in bones["sternum"])


def test_a_sternum_beside_a_scoliotic_column_stays(space, bones, body):
    column = [body(z, x=40.0) for z in range(-90, 300, 33)]
    assert clean_up(space().paint(*column, *bones["sternum"]))[1] == {}


def test_nothing_gives_nothing():
    assert sternum_of([], None, [], 1.5) == []
