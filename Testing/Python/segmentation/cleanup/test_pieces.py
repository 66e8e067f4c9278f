"""Pieces of a structure: volume, place, distance and brightness in physical units."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.segmentation.cleanup.pieces import pieces_of

A, B = (1, (-20, 20), (0, 30), (0, 24)), (1, (-20, 20), (0, 30), (36, 60))


def found(mask, ct=None, **options):
    return pieces_of(sitk.GetArrayFromImage(mask), mask, ct, **options)


@pytest.mark.parametrize("spacing, angle", [((2.0, 2.0, 2.0), 0.0), ((2.0, 2.0, 2.0), 0.4), ((1.0, 2.0, 4.0), 0.0)])
def test_place_and_size_do_not_depend_on_the_grid(space, spacing, angle):
    first, second = sorted(found(space(spacing, angle).paint(A, B))["vertebral_body"].found, key=lambda p: p.centre[2])
    assert first.ml == pytest.approx(28.8, rel=0.1)
    assert first.centre == pytest.approx([0, 15, 12], abs=2.1)
    assert first.low == pytest.approx([-20, 0, 0], abs=2.5) and second.high == pytest.approx([20, 30, 60], abs=2.5)
    assert first.height == pytest.approx(24, abs=3)
    assert first.distance(second, 20.0) == pytest.approx(12, abs=4)
    assert first.distance(second, 5.0) == float("inf")


def test_pieces_that_touch_at_a_corner_are_one():
    array = np.zeros((4, 4, 4), np.uint8)
    array[:2, :2, :2] = array[2:, 2:, 2:] = 4
    mask = sitk.GetImageFromArray(array)
    mask.SetSpacing((5, 5, 5))
    assert len(found(mask)["sacrum"].found) == 1


def test_largest_first_and_specks_left_out(space):
    speck = (1, (60, 66), (0, 6), (0, 6))
    mask = space((2.0, 2.0, 2.0)).paint((1, (-20, 20), (0, 30), (36, 66)), A, speck)
    assert [round(piece.ml) for piece in found(mask)["vertebral_body"].found] == [36, 29]
    assert len(found(mask, least_ml=0.0)["vertebral_body"].found) == 3
    assert set(found(mask)) == {"vertebral_body"}


def test_brightness_is_that_of_the_voxels(space):
    mask = space().paint(A)
    ct = sitk.Cast(mask, sitk.sitkInt16) * 150 + 30
    (piece,) = found(mask, ct)["vertebral_body"].found
    assert piece.mean_hu == pytest.approx(180) and piece.bright_hu == pytest.approx(180)
    assert found(mask)["vertebral_body"].found[0].mean_hu is None


def test_keep_strikes_out_the_rest_only(space):
    mask = space().paint(A, B, (2, (-20, 20), (0, 30), (24, 36)))
    pieces = found(mask)["vertebral_body"]
    kept = pieces.found[0]
    gone = pieces.keep([kept])
    assert gone == round(pieces.found[1].ml / pieces.voxel_ml)
    assert (pieces.array == 1).sum() == round(kept.ml / pieces.voxel_ml) and (pieces.array == 2).any()


def test_another_grid_is_refused(space):
    with pytest.raises(ValueError, match="voxels"):
        found(space().paint(A), sitk.Image(3, 3, 3, sitk.sitkInt16))
