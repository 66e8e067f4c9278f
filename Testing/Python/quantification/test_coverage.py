"""Coverage of one grid's voxels by a mask on another, against volumes worked out by hand."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes, coverage

OBLIQUE = np.linalg.qr(np.array([[0.9, 0.2, -0.1], [-0.3, 0.95, 0.1], [0.1, -0.2, 0.98]]))[0]


def image(array, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=None):
    result = sitk.GetImageFromArray(np.ascontiguousarray(array))
    result.SetSpacing([float(s) for s in spacing])
    result.SetOrigin([float(o) for o in origin])
    result.SetDirection([float(d) for d in np.ravel(np.eye(3) if direction is None else direction)])
    return result


def test_each_coarse_voxel_gets_the_part_of_it_that_the_mask_fills():
    mask = np.zeros((8, 8, 8), np.uint8)
    mask[:, :, 2:5] = 1  # x from 1.5 to 4.5 mm
    grid = Grid((2, 2, 2), (4.0, 4.0, 4.0), (1.5, 1.5, 1.5), tuple(np.eye(3).ravel()))  # voxels: 0 to 4, 4 to 8 (-0.5)
    fraction = coverage(image(mask), grid)
    assert fraction.shape == (2, 2, 2)
    np.testing.assert_allclose(fraction[..., 0], 2 / 4, atol=1e-6)  # x -0.5 to 3.5: the mask fills 1.5 to 3.5
    np.testing.assert_allclose(fraction[..., 1], 1 / 4, atol=1e-6)  # x 3.5 to 7.5: the mask fills 3.5 to 4.5


def test_the_same_grid_gives_the_mask_itself():
    mask = (np.random.default_rng(0).random((5, 6, 7)) > 0.5).astype(np.uint8)
    np.testing.assert_array_equal(coverage(image(mask, (2, 3, 4)), Grid.of(image(mask, (2, 3, 4)))), mask)


def test_a_coarser_mask_is_interpolated_between_its_slices():
    mask = np.zeros((3, 1, 1), np.uint8)
    mask[1] = 1
    grid = Grid((1, 1, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 3.0), tuple(np.eye(3).ravel()))
    np.testing.assert_allclose(coverage(image(mask, (1, 1, 4)), grid).ravel(), [0.75, 1.0, 0.75, 0.5])


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1, 1, -1]), np.eye(3)[[2, 0, 1]], OBLIQUE])
def test_volume_is_kept_whatever_the_two_orientations(direction):
    z, y, x = np.indices((30, 60, 60))
    ball = ((x - 29.5) ** 2 + (y - 29.5) ** 2 + ((z - 14.5) * 3) ** 2 < 20**2).astype(np.uint8)
    mask = image(ball, (1, 1, 3), (-29.5, -29.5, -43.5))
    n = 20
    origin = -np.asarray(direction, float) @ np.full(3, 4.1) * (n - 1) / 2
    grid = Grid((n, n, n), (4.1, 4.1, 4.1), tuple(origin), tuple(np.ravel(direction).astype(float)))
    fraction = coverage(mask, grid)
    assert fraction.min() >= 0 and fraction.max() <= 1 + 1e-6
    assert fraction.sum() * grid.voxel_ml == pytest.approx(ball.sum() * 3 / 1000, rel=0.005)
    middle = np.average(np.indices(fraction.shape).reshape(3, -1), axis=1, weights=fraction.ravel())
    np.testing.assert_allclose(middle, (n - 1) / 2, atol=0.01)


def test_a_refined_grid_fills_the_same_space():
    grid = Grid((3, 4, 5), (5.5, 5.0, 4.0), (10.0, -20.0, 30.0), tuple(OBLIQUE.ravel()))
    fine = grid.refined((5, 2, 3))
    corners = np.array([[-0.5, -0.5, -0.5], [2.5, 3.5, 4.5]])
    fine_corners = np.array([[-0.5, -0.5, -0.5], [14.5, 7.5, 14.5]])
    np.testing.assert_allclose(fine.to_mm(fine_corners), grid.to_mm(corners))
    np.testing.assert_allclose(grid.to_index(grid.to_mm(corners)), corners)


def test_the_box_around_another_grid_holds_it_and_is_none_where_they_miss():
    outer = Grid((50, 50, 50), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    inner = Grid((10, 5, 2), (1.0, 1.0, 5.0), (40.0, 40.0, 40.0), tuple(np.eye(3).ravel()))
    assert outer.box_around(inner) == (slice(9, 13), slice(10, 12), slice(10, 13))
    # i 39.5 to 49.5 mm, j 39.5 to 44.5, k 37.5 to 47.5; voxel 9 is 34 to 38, voxel 12 is 46 to 50
    assert outer.box_around(Grid((2, 2, 2), (1.0, 1.0, 1.0), (-90.0, 0.0, 0.0), tuple(np.eye(3).ravel()))) is None


def test_labels_are_cropped_to_their_union_and_keep_their_place():
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[2:4, 3, 5] = 2
    labels[6, 3, 7] = 4
    labels[9, 9, 9] = 1
    boxes = LabelBoxes.of(image(labels, (2, 2, 2), (5, 5, 5)))
    crop = boxes.binary((2, 4))
    assert crop is not None and sitk.GetArrayFromImage(crop).sum() == 3
    assert crop.GetSize() == (5, 3, 7)
    assert crop.GetOrigin() == (5 + 2 * 4, 5 + 2 * 2, 5 + 2 * 1)
    assert boxes.binary((3,)) is None
