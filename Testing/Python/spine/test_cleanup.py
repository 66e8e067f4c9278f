"""Regularising the column: disc gaps closed, islands gone, nothing clipped, nothing invented."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.cleanup import gaps_mm, regularise_column


def box(shape, *ranges) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b) for a, b in ranges)] = True
    return mask


SHAPE = (60, 40, 40)
SPACING = (5.0, 1.2, 1.2)


def test_the_thesis_steps_fill_a_gap_of_one_slice_and_drop_an_island():
    column = box(SHAPE, (5, 20), (10, 30), (10, 30)) | box(SHAPE, (21, 50), (10, 30), (10, 30))
    island = box(SHAPE, (30, 33), (2, 5), (2, 5))
    found = regularise_column(column | island)
    assert found[20, 12:28, 12:28].all()
    assert not (found & island).any()
    assert (found & column).sum() == column.sum()


def test_closing_does_not_clip_at_the_image_border():
    column = box(SHAPE, (0, 60), (0, 12), (28, 40))
    np.testing.assert_array_equal(regularise_column(column), column)
    np.testing.assert_array_equal(regularise_column(np.ones((4, 4, 4))), np.ones((4, 4, 4), bool))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 1.0, 1.0), (3.0, 1.2, 1.2), (5.0, 1.2, 1.2)])
def test_a_disc_gap_is_closed_on_any_grid(spacing: tuple[float, float, float]):
    slices = lambda mm: round(mm / spacing[0])  # noqa: E731
    shape = (slices(150), 40, 40)
    bodies = [box(shape, (slices(low), slices(low + 27)), (8, 30), (8, 30)) for low in (5, 42, 79, 116)]  # 10 mm discs
    column = np.any(bodies, axis=0)
    found = regularise_column(column, spacing)
    assert gaps_mm(found, spacing) == []
    assert found[slices(5) : slices(143), 10:28, 10:28].all()
    assert not found[:, :8].any() and not found[: slices(5) - 1].any() and not found[slices(143) + 1 :].any()


def test_tilted_bodies_are_joined():
    k, j, i = np.indices((60, 60, 40))
    height = k * 3.0 - 0.45 * j * 1.0  # endplates lean by 24 degrees
    inside = (j > 15) & (j < 42) & (i > 8) & (i < 30)
    column = inside & (height > 20) & (height < 48) | inside & (height > 58) & (height < 86)
    found = regularise_column(column, (3.0, 1.0, 1.0))
    assert found[inside & (height > 21) & (height < 85)].mean() > 0.97
    assert found.sum() < 1.45 * column.sum()


def test_a_missed_vertebra_keeps_the_pieces_without_inventing_bone():
    lower = box(SHAPE, (4, 24), (10, 30), (10, 30))
    upper = box(SHAPE, (31, 52), (12, 32), (11, 31))  # 35 mm further up
    found = regularise_column(lower | upper, SPACING)
    np.testing.assert_array_equal(found, lower | upper)
    assert gaps_mm(found, SPACING) == [(100.0, 135.0)]
    assert regularise_column(lower | upper)[40, 20, 20] and not regularise_column(lower | upper)[10, 20, 20]


@pytest.mark.parametrize(
    "island",
    [
        box(SHAPE, (20, 26), (1, 7), (15, 25)),  # a rib in front
        box(SHAPE, (20, 26), (33, 40), (15, 25)),  # a spinous process behind
        box(SHAPE, (53, 57), (14, 18), (14, 18)),  # a speck above the column's end
        box(SHAPE, (46, 58), (0, 12), (33, 40)),  # a shoulder beside and above
    ],
)
def test_islands_are_removed(island: np.ndarray):
    column = box(SHAPE, (5, 50), (10, 30), (10, 30))
    island = island & ~column
    found = regularise_column(column | island, SPACING)
    assert not (found & island).any()
    assert (found & column).sum() == column.sum()


def test_an_empty_mask_is_refused():
    with pytest.raises(InputError, match=r"mask has no column \(label 1\)"):
        regularise_column(np.zeros((3, 3, 3), bool))
