"""The 3-D network: cells and back, operation count against torch's own counter, folding of the normalisation."""

import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from VertebraFLTLib.segmentation.network3d import (
    VolumeNet,
    VolumeNetShape,
    from_cells,
    fused_volume_net,
    to_cells,
    up_to_multiple,
)

SHAPES = [VolumeNetShape(width=4, depth=1), VolumeNetShape(width=8, depth=2, classes=3), VolumeNetShape(6, 6, 3, 12)]


def sides_of(shape, *times):
    return tuple(n * stride for n, stride in zip(times, shape.strides, strict=True))


def trained_a_little(shape):
    """Running statistics away from their start."""
    torch.manual_seed(1)
    network = VolumeNet(shape).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(2, 1, *sides_of(shape, 4, 2, 2)) * 3 + 1)
    return network.eval()


def test_a_cell_is_two_by_two_voxels_of_a_slice():
    volume = torch.arange(2 * 4 * 6 * 8, dtype=torch.float32).reshape(1, 2, 4, 6, 8)
    cells = to_cells(volume)
    assert cells.shape == (1, 8, 4, 3, 4)
    assert set(cells[0, :4, 1, 2, 0].tolist()) == set(volume[0, 0, 1, 4:6, 0:2].flatten().tolist())
    assert torch.equal(from_cells(cells), volume)
    other = torch.randn(2, 24, 3, 2, 5)
    assert torch.equal(to_cells(from_cells(other)), other)


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_have_one_channel_a_class_and_the_size_of_the_volume(shape):
    sides = sides_of(shape, 4, 2, 3)
    network = VolumeNet(shape).eval()
    with torch.inference_mode():
        logits = network(torch.zeros(2, 1, *sides))
        deep = network(torch.zeros(2, 1, *sides), deep=True)
    assert logits.shape == (2, shape.classes, *sides)
    torch.testing.assert_close(deep[0], logits)
    assert [tuple(x.shape[2:]) for x in deep] == [
        sides,
        *((sides[0] // n, sides[1] // 2 // n, sides[2] // 2 // n) for n in (1, 2)[: shape.depth]),
    ]
    assert all(x.shape[1] == shape.classes for x in deep)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_weight_is_used(shape):
    network = VolumeNet(shape)
    sum(x.sum() for x in network(torch.randn(2, 1, *sides_of(shape, 4, 2, 2)), deep=True)).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("shape", SHAPES)
def test_operation_count_is_that_of_torch(shape):
    sides = sides_of(shape, 4, 2, 1)
    network = VolumeNet(shape).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 1, *sides))
    assert network.flops_per_voxel() * math.prod(sides) == pytest.approx(counter.get_total_flops(), rel=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_folding_the_normalisation_changes_nothing(shape):
    network = trained_a_little(shape)
    x = torch.randn(1, 1, *sides_of(shape, 4, 2, 2))
    with torch.inference_mode():
        before = network(x)
        after = fused_volume_net(network)(x)
    assert not any(isinstance(module, torch.nn.BatchNorm3d) for module in network.modules())
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_features_double_up_to_the_widest():
    assert VolumeNetShape(width=32, depth=3).widths == [32, 64, 128, 128]
    assert VolumeNetShape(width=32, depth=3).strides == (8, 16, 16)
    assert [up_to_multiple(n, 8) for n in (1, 8, 9)] == [8, 8, 16]
