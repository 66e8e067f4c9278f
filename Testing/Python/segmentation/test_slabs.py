"""Streaming slabs: the result is that of the whole volume, whatever the slab; memory trouble halves it."""

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape
from VertebraFLTLib.segmentation.slabs import pad_to_strides, slab_probabilities

SHAPE = VolumeNetShape(width=4, depth=1)  # strides 2, 4, 4, reach 6


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    network = VolumeNet(SHAPE).train()
    with torch.no_grad():
        for _ in range(4):  # normalised activations: answers that depend on the image, far from 0 and 255 alike
            network(torch.rand(2, 1, 16, 16, 16) * 2 - 1)
        network.head.weight.mul_(4)
    return network.eval()


@pytest.fixture(scope="module")
def volume():
    return np.random.default_rng(0).uniform(-1, 1, (61, 13, 18)).astype(np.float32)


def direct(network, volume):
    """The whole volume at once, continued by its far faces."""
    k, j, i = volume.shape
    x = pad(torch.from_numpy(volume)[None, None], (0, -i % 4, 0, -j % 4, 0, -k % 2), mode="replicate")
    with torch.inference_mode():
        return network(x).softmax(1)[0, 1:, :k, :j, :i].numpy()


def difference(one, other):
    return np.abs(one.astype(int) - other.astype(int)).max()


@pytest.mark.parametrize("slab", [1, 4, 8, 20, 64, 500])
def test_the_slab_does_not_matter(network, volume, slab):
    result = slab_probabilities(network, volume, slab=slab)
    assert result.dtype == np.uint8 and result.shape == (5, *volume.shape)
    assert result.std() > 5
    assert difference(result, np.rint(direct(network, volume) * 255)) <= 1


def test_the_slab_does_not_matter_to_a_network_as_deep_as_the_products():
    torch.manual_seed(5)
    deep = VolumeNet(VolumeNetShape(width=4, depth=3)).train()  # strides 8, 16, 16, reach 24
    with torch.no_grad():
        for _ in range(3):
            deep(torch.rand(2, 1, 32, 32, 32) * 2 - 1)
    image = np.random.default_rng(1).uniform(-1, 1, (240, 32, 32)).astype(np.float32)
    whole = slab_probabilities(deep.eval(), image, slab=240)
    assert whole.std() > 3
    assert difference(slab_probabilities(deep, image, slab=32), whole) <= 1


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 9, 2), (4, 4, 4), (17, 5, 31)])
def test_odd_sizes(network, volume, size):
    part = np.resize(volume, size)
    assert difference(slab_probabilities(network, part, slab=8), np.rint(direct(network, part) * 255)) <= 1


def test_progress_rises_to_one(network, volume):
    seen = []
    slab_probabilities(network, volume, slab=8, progress=seen.append)
    assert seen == sorted(set(seen)) and seen[-1] == 1.0 and len(seen) == 8


class Small(VolumeNet):
    """Has memory for so many slices; each answer is the image's own sign."""

    def __init__(self, most, message="DefaultCPUAllocator: can't allocate memory: you tried to allocate"):
        super().__init__(SHAPE)
        self.most, self.message, self.seen = most, message, []

    def forward(self, volumes, deep=False):
        self.seen.append(volumes.shape[2])
        if volumes.shape[2] > self.most:
            raise RuntimeError(self.message)
        return torch.cat([-9 * volumes, 9 * volumes, *[torch.full_like(volumes, -99.0)] * 4], dim=1)


def test_when_memory_does_not_suffice_slabs_are_halved(volume):
    network = Small(30)
    seen = []
    result = slab_probabilities(network, volume, slab=32, progress=seen.append)
    expected = 1 / (1 + np.exp(-18 * volume))
    assert np.abs(result[0] - 255 * expected).max() <= 0.51 and not result[1:].any()
    assert network.seen[0] == 38 and max(network.seen[1:]) <= 30  # 32 slices with 6 beyond; then 16 with 12
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_when_one_stride_is_too_much_the_error_is_raised(volume):
    network = Small(4)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        slab_probabilities(network, volume, slab=16)
    assert len(network.seen) == 4  # 16, 8, 4, 2 slices


def test_other_errors_are_not_taken_for_want_of_memory(volume):
    network = Small(8, "shapes do not match")
    with pytest.raises(RuntimeError, match="shapes do not match"):
        slab_probabilities(network, volume, slab=16)
    assert len(network.seen) == 1


def test_padding_continues_the_far_faces():
    x = torch.arange(3.0 * 5 * 4).reshape(1, 1, 3, 5, 4)
    padded = pad_to_strides(x, (2, 4, 4))
    assert padded.shape == (1, 1, 4, 8, 4) and torch.equal(padded[..., :3, :5, :], x)
    assert torch.equal(padded[0, 0, 3, :5], x[0, 0, 2]) and torch.equal(padded[0, 0, :3, 7], x[0, 0, :, 4])
