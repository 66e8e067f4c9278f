"""The 2-D U-Net that segments one plane: the 2015 network with batch normalisation, width and depth as options."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@dataclass(frozen=True)
class UNetShape:
    """What must be known to build the network that a set of weights belongs to.

    ``context`` is the number of neighbouring slices on either side given as further input channels; 0 is the
    thesis's network (ch. 3.1.2), which sees one slice at a time. The thesis's width is 64 and its depth 4.
    """

    classes: int = 5
    width: int = 64
    depth: int = 4
    context: int = 0

    @property
    def in_channels(self) -> int:
        return 2 * self.context + 1

    @property
    def stride(self) -> int:
        """The slice's sides must be multiples of this."""
        return int(2**self.depth)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class _DoubleConv(nn.Sequential):
    """Twice 3x3 convolution, batch normalisation, ReLU (thesis ch. 3.1.2 after Ronneberger et al. 2015)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class UNet2d(nn.Module):
    """U-Net for slices (n, channels, rows, columns); rows and columns are multiples of ``shape.stride``.

    Returns logits (n, classes, rows, columns).
    """

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.shape = shape
        widths = [shape.width * 2**i for i in range(shape.depth + 1)]
        self.encoder = nn.ModuleList(
            _DoubleConv(a, b) for a, b in zip([shape.in_channels, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(w * 2, w, 2, stride=2) for w in widths[:-1])
        self.decoder = nn.ModuleList(_DoubleConv(w * 2, w) for w in widths[:-1])
        self.head = nn.Conv2d(widths[0], shape.classes, 1)

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        skips: list[torch.Tensor] = []
        x = slices
        for level, block in enumerate(self.encoder):
            if level:
                x = nn.functional.max_pool2d(x, 2)
            x = block(x)
            skips.append(x)
        for level in reversed(range(self.shape.depth)):
            x = self.decoder[level](torch.cat([skips[level], self.up[level](x)], dim=1))
        return self.head(x)

    def flops_per_pixel(self) -> float:
        """Multiply-adds, counted as two operations each, for one pixel of one slice (for achieved FLOP/s)."""
        w, c = self.shape.width, self.shape.in_channels
        total = 0.0
        for level in range(self.shape.depth + 1):
            wide = w * 2**level
            inputs = c if level == 0 else wide // 2
            area = 4.0**-level
            total += area * 9 * (inputs * wide + wide * wide)
            if level < self.shape.depth:
                total += area * 9 * (2 * wide * wide + wide * wide)
                total += area * 2 * wide * wide  # transposed convolution, kernel 2, one tap per output pixel
        return 2 * (total + w * self.shape.classes)


def channels_last(network: UNet2d) -> UNet2d:
    """The network with its weights laid out for convolutions over the last axis: faster on CPU and GPU alike."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def fused_for_inference(network: UNet2d) -> UNet2d:
    """The same function with each batch normalisation folded into the convolution before it; changes it in place."""
    network.eval()
    for block in [*network.encoder, *network.decoder]:
        assert isinstance(block, _DoubleConv)
        for i in (0, 3):
            convolution, normalisation = block[i], block[i + 1]
            assert isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d)
            block[i] = fuse_conv_bn_eval(convolution, normalisation)
            block[i + 1] = nn.Identity()
    return channels_last(network)
