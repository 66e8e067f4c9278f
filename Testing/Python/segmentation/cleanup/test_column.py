"""The column's chain: gaps of missed vertebrae, curves, short fields; ribs and other bones beside it go."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.segmentation.cleanup import clean_up
from VertebraFLTLib.segmentation.cleanup.column import anchor_of, column_of, line_of, trim
from VertebraFLTLib.segmentation.cleanup.pieces import pieces_of


def pieces(mask):
    return pieces_of(sitk.GetArrayFromImage(mask), mask, None)["vertebral_body"]


def curved(body, shape):
    """Seventeen vertebrae along a curve, 33 mm apart at first and 20 at last, on their lower endplates."""
    z, blocks = -300.0, []
    for n in range(17):
        step = 33 - 13 * n / 16
        x, y = shape(z)
        blocks.append(body(z, x, y, step - 8))
        z += step
    return blocks


SHAPES = {
    "straight": lambda z: (0.0, 60.0),
    "scoliosis": lambda z: (45 * np.sin(z / 70), 60.0),
    "kyphosis": lambda z: (0.0, 60 - 0.0011 * (z + 60) ** 2),
    "both": lambda z: (30 * np.sin(z / 60), 60 - 0.0008 * (z + 60) ** 2),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_curved_columns_survive(space, body, shape):
    blocks = curved(body, SHAPES[shape])
    assert clean_up(space().paint(*blocks))[1] == {}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("missed", [2, 7, 8, 13])
def test_a_missed_vertebra_leaves_a_gap_that_is_bridged(space, body, shape, missed):
    blocks = curved(body, SHAPES[shape])
    del blocks[missed]
    assert clean_up(space().paint(*blocks))[1] == {}


def test_three_vertebrae_are_a_column(space, body):
    assert clean_up(space().paint(*[body(z) for z in (0, 33, 66)]))[1] == {}


def test_a_vertebra_cut_by_the_field_stays(space, body):
    s = space(size_mm=(200.0, 200.0, 102.0))  # from -51 to 51
    assert clean_up(s.paint(body(-70), body(-38), body(-5), body(28), body(28, y=50)))[1] == {}


def test_the_heaviest_chain_wins_over_the_largest_piece(space, body):
    s = space()
    blob = (1, (80, 150), (0, 70), (-60, 20))
    column = [body(z) for z in range(-300, 280, 33)]
    cleaned, _ = clean_up(s.paint(*column, blob))
    assert s.kept(cleaned, blob) == 0
    assert all(s.kept(cleaned, block) == 1 for block in column)


@pytest.mark.parametrize(
    "island",
    [
        (1, (35, 55), (80, 95), (100, 112)),  # a transverse process
        (1, (-8, 8), (95, 125), (100, 120)),  # a spinous process
        (1, (-60, -40), (70, 85), (130, 150)),  # the head of a rib
        (1, (-20, 20), (-60, -40), (100, 200)),  # the sternum
        (1, (60, 110), (40, 90), (-200, -120)),  # a femoral head
        (1, (-22, 22), (44, 77), (400, 424)),  # beyond any gap that a column has
    ],
)
def test_what_is_not_on_the_line_goes(space, bones, island):
    s = space(size_mm=(400, 300, 900))
    cleaned, removed = clean_up(s.paint(*bones["column"], island))
    assert s.kept(cleaned, island) == 0 and set(removed) == {"vertebral_body"}
    assert all(s.kept(cleaned, block) == 1 for block in bones["column"])


def test_both_halves_of_a_broken_body_stay(space, body):
    left, right = (1, (-22, -3), (44, 77), (33, 57)), (1, (3, 23), (44, 77), (33, 57))
    assert clean_up(space().paint(body(0), left, right, body(66)))[1] == {}


def test_pieces_inside_the_sacrum_go(space, bones):
    s = space()
    inside = (1, (-20, 20), (75, 100), (-160, -136))
    cleaned, removed = clean_up(s.paint(*bones["all"], inside))
    assert s.kept(cleaned, inside) == 0 and set(removed) == {"vertebral_body"}


def test_a_rib_that_hangs_on_a_body_is_cut_off(space, bones):
    s = space()
    rib = (1, (20, 110), (70, 79), (110, 119))
    mask = s.paint(*bones["column"], rib)
    cleaned, _ = clean_up(mask)
    far = (1, (60, 110), (70, 79), (110, 119))
    assert s.kept(cleaned, far) == 0
    assert all(s.kept(cleaned, block) == 1 for block in bones["column"])


def test_trimming_says_how_many_voxels_went(space, bones):
    found = pieces(space().paint(*bones["column"]))
    before = int((found.array == 1).sum())
    line = line_of(found.found)
    assert trim(found, line) == 0
    shifted = type(line)(line.z_mm, line.xy_mm + np.array([0.0, 500.0]), line.radius_mm)
    assert trim(found, shifted) == before and not (found.array == 1).any()


def test_the_line_runs_through_the_middle(space, bones):
    line = line_of(pieces(space().paint(*bones["column"])).found)
    assert line.at(100.0) == pytest.approx([0.5, 60.5], abs=1.5)
    assert line.at(np.array([-999.0, 999.0])).shape == (2, 2)  # constant beyond the ends
    assert line.low_mm == pytest.approx(-90, abs=5) and line.high_mm == pytest.approx(297, abs=8)
    assert line.radius_at(np.array([100.0]))[0] == pytest.approx(np.sqrt(45 * 33 / np.pi), rel=0.1)
    assert line.beside(np.array([[30.5, 60.5, 100.0]]))[0] == pytest.approx(30, abs=1.5)


def test_no_pieces_are_no_column_and_a_sliver_is_no_anchor(space, body):
    assert column_of([]) == [] and anchor_of([]) is None
    assert anchor_of(pieces(space().paint(body(0, height=7.0))).found) is None
