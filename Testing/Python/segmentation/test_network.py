"""The U-Net: output shape, operation count against torch's own counter, folding of the normalisation."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from VertebraFLTLib.segmentation.network import UNet2d, UNetShape, fused_for_inference


@pytest.mark.parametrize("shape", [UNetShape(width=4, depth=2), UNetShape(width=8, depth=4, context=1)])
def test_logits_have_one_channel_a_class_and_the_size_of_the_slice(shape):
    logits = UNet2d(shape)(torch.zeros(2, shape.in_channels, 32, 48))
    assert logits.shape == (2, 5, 32, 48)


@pytest.mark.parametrize("shape", [UNetShape(width=4, depth=2), UNetShape(width=8, depth=4, context=1)])
def test_operation_count_is_that_of_torch(shape):
    network = UNet2d(shape).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, shape.in_channels, 64, 64))
    assert network.flops_per_pixel() * 64 * 64 == pytest.approx(counter.get_total_flops(), rel=1e-6)


def test_the_thesis_network_has_the_published_number_of_weights():
    # The 2015 U-Net with 64 features and depth 4 has 31.0 million parameters.
    count = sum(p.numel() for p in UNet2d(UNetShape(classes=2, width=64, depth=4)).parameters())
    assert count == pytest.approx(31.0e6, rel=0.01)


def test_folding_the_normalisation_changes_nothing():
    torch.manual_seed(1)
    network = UNet2d(UNetShape(width=4, depth=2))
    network.train()
    for _ in range(3):  # running statistics away from their start
        network(torch.randn(4, 1, 32, 32) * 3 + 1)
    network.eval()
    x = torch.randn(2, 1, 32, 32)
    with torch.inference_mode():
        before = network(x)
        after = fused_for_inference(network)(x)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
