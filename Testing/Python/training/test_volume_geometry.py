"""Where the voxels of a 3-D patch come from, against transforms known by hand and SciPy's own resampling."""

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from VertebraFLTLib.segmentation.grid import AIR_HU
from VertebraFLTLib.training.config import AugmentationConfig
from VertebraFLTLib.training.volume_geometry import Placement, random_placement, read_patch

SPACING = (2.0, 1.5, 1.5)
PATCH = (8, 10, 12)
CENTRE = np.array([14.5, 15.5, 17.5])


@pytest.fixture
def volume():
    """Smooth, so that one linear interpolation is as good as another."""
    k, j, i = np.indices((30, 32, 36))
    return torch.from_numpy((200 * np.sin(k / 5) + 150 * np.cos(j / 6) + 10 * i).astype(np.float32))


def labels_of(volume):
    return (volume > 100).to(torch.uint8) * 3


def test_without_augmentation_the_patch_is_read_as_it_lies(volume, still):
    placement = random_placement(CENTRE, PATCH, SPACING, still(), np.random.default_rng(3))
    image, labels = read_patch(volume, labels_of(volume), placement, PATCH, SPACING)
    there = volume[11:19, 11:21, 12:24]
    if placement.matrix[2, 2] < 0:
        there = there.flip(2)
    torch.testing.assert_close(image, there, atol=0.01, rtol=0)
    assert torch.equal(labels, labels_of(there)) and labels.dtype == torch.uint8


def test_rotation_and_scale_are_in_millimetres(volume):
    turn, size = np.radians(20), 1.2
    matrix = size * np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    image, _ = read_patch(volume, labels_of(volume), Placement(CENTRE, matrix), PATCH, SPACING)
    spacing = np.array(SPACING)
    in_voxels = matrix * spacing[None] / spacing[:, None]
    offset = CENTRE - in_voxels @ ((np.array(PATCH) - 1) / 2)
    expected = affine_transform(volume.numpy(), in_voxels, offset, output_shape=PATCH, order=1)
    np.testing.assert_allclose(image.numpy(), expected, atol=0.05)


def test_a_displacement_that_is_everywhere_the_same_is_a_shift(volume):
    nodes = np.zeros((3, 2, 2, 2))
    nodes[0] = 2 * SPACING[0]
    image, labels = read_patch(volume, labels_of(volume), Placement(CENTRE, np.eye(3), nodes), PATCH, SPACING)
    torch.testing.assert_close(image, volume[13:21, 11:21, 12:24], atol=0.01, rtol=0)
    assert torch.equal(labels, labels_of(volume[13:21, 11:21, 12:24]))


@pytest.mark.parametrize("centre", [(1.5, 15.5, 17.5), (-90.0, 15.5, 17.5), (14.5, 15.5, 400.0)])
def test_beyond_the_volume_lie_air_and_background(volume, centre):
    image, labels = read_patch(volume, labels_of(volume) | 1, Placement(np.array(centre), np.eye(3)), PATCH, SPACING)
    outside = (np.arange(8) + centre[0] - 3.5 < 0) if centre[2] < 100 else np.ones(8, bool)
    assert torch.allclose(image[outside], torch.tensor(AIR_HU)) and not labels[outside].any()
    assert (image[~outside] > AIR_HU + 1).all() and labels[~outside].all()


def test_random_placements_keep_to_their_ranges():
    often = AugmentationConfig(affine=1.0, scale=0.2, rotate_deg=15.0, elastic=1.0)
    seen = [random_placement(CENTRE, PATCH, SPACING, often, np.random.default_rng(n)) for n in range(200)]
    volumes = np.array([np.linalg.det(one.matrix) for one in seen])
    assert (np.abs(volumes) > np.exp(-3 * 0.25) * 0.95).all() and (np.abs(volumes) < np.exp(3 * 0.25) * 1.05).all()
    assert 0.3 < (volumes < 0).mean() < 0.7  # left and right change places in half of them
    assert all(abs(np.degrees(np.arctan2(one.matrix[1, 0], one.matrix[0, 0]))) < 21 for one in seen)
    assert max(np.abs(one.nodes).max() for one in seen) > 5
    assert all(one.matrix[0, 0] > 0 and one.matrix[1, 1] > 0 for one in seen)  # head stays up, front in front
