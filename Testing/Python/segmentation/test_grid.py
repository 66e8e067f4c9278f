"""CT to the working grid and back: by coordinates, for any axis order; the crop moves no sample."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.segmentation.grid import body_box, crop, normalised, sample_ct, whole_grid
from VertebraFLTLib.segmentation.onto_ct import to_ct_grid

SPACING = (2.0, 2.0, 3.0)


def image_of(function, size, spacing, origin=(0.0, 0.0, 0.0), direction=None):
    """An image whose voxels hold function(x, y, z) of their LPS position."""
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    if direction is not None:
        image.SetDirection(direction)
    k, j, i = np.meshgrid(*[np.arange(n) for n in reversed(size)], indexing="ij")
    ijk = np.stack([i, j, k], -1) * np.array(spacing)
    xyz = ijk @ np.array(image.GetDirection()).reshape(3, 3).T + np.array(origin)
    filled = sitk.GetImageFromArray(function(*np.moveaxis(xyz, -1, 0)).astype(np.float32))
    filled.CopyInformation(image)
    return filled


def rotation(degrees):
    a = np.radians(degrees)
    return [1, 0, 0, 0, np.cos(a), -np.sin(a), 0, np.sin(a), np.cos(a)]


def coordinates(image):
    n = image.GetSize()
    k, j, i = np.meshgrid(*[np.arange(m) for m in reversed(n)], indexing="ij")
    return [o + s * a for o, s, a in zip(image.GetOrigin(), image.GetSpacing(), (i, j, k), strict=True)]


@pytest.mark.parametrize("direction", [None, rotation(12)])
def test_samples_are_taken_at_physical_coordinates(direction):
    ct = image_of(lambda x, y, z: 2 * x - y + 0.5 * z, (60, 50, 40), (2.0, 2.0, 3.0), (-30, 12, 100), direction)
    grid = whole_grid(ct, SPACING)
    box = tuple((0, n) for n in grid.GetSize())
    sampled = sample_ct(ct, grid, box)
    x, y, z = coordinates(sampled)
    values = sitk.GetArrayFromImage(sampled)
    inside = values > -1000
    assert inside.mean() > (0.99 if direction is None else 0.6)
    difference = np.abs(values - (2 * x - y + 0.5 * z))[inside]
    # Border voxels mix with the air outside.
    assert np.percentile(difference, 90) < 1e-2


def test_the_grid_holds_every_voxel_of_the_ct():
    ct = image_of(lambda x, y, z: x * 0, (33, 21, 17), (0.9, 0.9, 4.25), (5, 6, 7))
    grid = whole_grid(ct, SPACING)
    for corner in itertools.product(*[(0, n - 1) for n in ct.GetSize()]):
        index = grid.TransformPhysicalPointToContinuousIndex(ct.TransformIndexToPhysicalPoint(corner))
        assert all(-0.5 <= v <= n - 0.5 for v, n in zip(index, grid.GetSize(), strict=True))


def cylinder(x, y, z):
    return np.where((x - 10) ** 2 / 90**2 + (y + 20) ** 2 / 60**2 < 1, 40.0, -1000.0)


def test_the_body_box_holds_the_body_and_moves_no_sample():
    ct = image_of(cylinder, (200, 200, 30), (2.0, 2.0, 5.0), (-200, -200, 0))
    grid = whole_grid(ct, SPACING)
    box = body_box(ct, grid, snap=16)
    assert all(a % 16 == 0 for a, _ in box[:2]) and box[2] == (0, grid.GetSize()[2])
    whole = sitk.GetArrayFromImage(sample_ct(ct, grid, tuple((0, n) for n in grid.GetSize())))
    part = sitk.GetArrayFromImage(sample_ct(ct, grid, box))
    same = whole[box[2][0] : box[2][1], box[1][0] : box[1][1], box[0][0] : box[0][1]]
    assert np.allclose(part, same, atol=1e-3)
    assert part.size < 0.4 * whole.size
    assert (part > 0).sum() == (whole > 0).sum()


def test_a_ct_without_a_body_is_not_cropped():
    ct = image_of(lambda x, y, z: x * 0 - 1000, (40, 40, 20), (2.0, 2.0, 5.0))
    grid = whole_grid(ct, SPACING)
    assert body_box(ct, grid, 16) == tuple((0, n) for n in grid.GetSize())


def test_normalised_spans_the_window():
    assert normalised(np.array([-2000.0, 400.0, 5000.0])).tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("direction", [None, rotation(15)])
def test_a_sphere_keeps_its_volume_on_the_ct_grid(direction):
    ct = image_of(lambda x, y, z: x * 0, (80, 80, 40), (1.1, 1.1, 3.0), (-44, -44, -60), direction)
    grid = whole_grid(ct, SPACING)
    x, y, z = coordinates(grid)
    centre = ct.TransformContinuousIndexToPhysicalPoint([39.5, 39.5, 19.5])
    radius = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2)
    decided = np.full((4, *radius.shape), -255, np.int16)
    decided[2] = np.clip((20.0 - radius) * 40, -255, 255)
    mask = to_ct_grid(decided, crop(grid, tuple((0, n) for n in grid.GetSize())), ct)
    array = sitk.GetArrayFromImage(mask)
    assert set(np.unique(array)) == {0, 3}
    volume = (array == 3).sum() * np.prod(ct.GetSpacing())
    assert volume == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.02)


def test_the_larger_margin_takes_a_contested_voxel():
    ct = image_of(lambda x, y, z: x * 0, (10, 10, 10), SPACING)
    decided = np.full((4, 10, 10, 10), -255, np.int16)
    decided[0, 3:6] = 50
    decided[3, 5:8] = 90
    grid = whole_grid(ct, SPACING)
    labels = sitk.GetArrayFromImage(to_ct_grid(decided, grid, ct))[:, 5, 5]
    assert labels.tolist() == [0, 0, 0, 1, 1, 4, 4, 4, 0, 0]
