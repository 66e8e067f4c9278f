"""Streaming slices: each voxel gets what its own slice gives, whatever the batch; memory trouble halves the batch."""

import numpy as np
import pytest
import torch

from VertebraFLTLib.segmentation.network import UNet2d, UNetShape
from VertebraFLTLib.segmentation.views import as_stack, reflect_to_multiple, stack_probabilities

VIEWS = ("axial", "sagittal", "coronal")


@pytest.fixture
def network():
    torch.manual_seed(3)
    return UNet2d(UNetShape(width=4, depth=2, context=0)).eval()


@pytest.fixture
def volume():
    return np.random.default_rng(0).uniform(-1, 1, (11, 13, 18)).astype(np.float32)


@pytest.mark.parametrize("view", VIEWS)
def test_each_slice_gets_its_own_prediction(network, volume, view):
    result = stack_probabilities(network, volume, view, batch=4)
    assert result.shape == (4, *volume.shape)
    slices = as_stack(volume, view)
    index = 7
    padded = reflect_to_multiple(torch.from_numpy(np.ascontiguousarray(slices[index]))[None, None], 4)
    with torch.inference_mode():
        expected = network(padded).softmax(1)[0, 1:, : slices.shape[1], : slices.shape[2]] * 255
    found = np.moveaxis(result, 1 + {"axial": 0, "coronal": 1, "sagittal": 2}[view], 1)[:, index]
    assert np.abs(found - expected.numpy()).max() <= 0.51


@pytest.mark.parametrize("view", VIEWS)
def test_the_batch_size_does_not_matter(network, volume, view):
    one = stack_probabilities(network, volume, view, batch=1).astype(int)
    many = stack_probabilities(network, volume, view, batch=100).astype(int)
    assert np.abs(one - many).max() <= 1


def test_slices_not_wanted_stay_background(network, volume):
    wanted = np.zeros(11, bool)
    wanted[4] = True
    result = stack_probabilities(network, volume, "axial", wanted=wanted)
    assert result[:, 4].any() and not result[:, :4].any() and not result[:, 5:].any()


def test_context_slices_are_the_neighbours(volume):
    class Neighbours(UNet2d):
        def forward(self, slices):
            # Channel 1 is decided by the slice above alone.
            above = slices[:, 2:3]
            return torch.cat([torch.zeros_like(above), above * 20, *[torch.full_like(above, -50)] * 3], dim=1)

    network = Neighbours(UNetShape(width=4, depth=2, context=1))
    result = stack_probabilities(network, volume, "axial")
    expected = np.concatenate([volume[1:], volume[-1:]]) > 0
    assert np.array_equal(result[0] > 127, expected)


def test_out_of_memory_halves_the_batch(volume):
    seen = []

    class Hungry(UNet2d):
        def forward(self, slices):
            seen.append(len(slices))
            if len(slices) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(slices)

    network = Hungry(UNetShape(width=4, depth=2)).eval()
    result = stack_probabilities(network, volume, "axial", batch=8)
    assert seen[:3] == [8, 4, 2] and max(seen[2:]) == 2
    assert result[:, -1].any()


def test_other_errors_are_not_hidden(volume):
    class Broken(UNet2d):
        def forward(self, slices):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        stack_probabilities(Broken(UNetShape(width=4, depth=2)), volume, "axial")


def test_padding_is_by_reflection():
    row = torch.arange(6.0).reshape(1, 1, 1, 6).expand(1, 1, 6, 6)
    assert reflect_to_multiple(row, 8)[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 4, 3]
    assert reflect_to_multiple(torch.zeros(1, 1, 1, 1), 16).shape[-2:] == (16, 16)
