"""The 3-D U-Net that segments a volume: works on cells of 2 x 2 voxels in plane, to be quick without losing detail."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CELL = (1, 2, 2)
"""Voxels of a cell (k, j, i): along the patient none are merged, because discs are thin there."""


@dataclass(frozen=True)
class VolumeNetShape:
    """What must be known to build the network that a set of weights belongs to.

    ``classes``: background, the structures, and last the discs, which are background to everyone else.
    ``width`` features at the finest level, doubled at each of ``depth`` coarser ones up to ``widest``.
    """

    classes: int = 6
    width: int = 32
    depth: int = 4
    widest: int = 128

    @property
    def strides(self) -> tuple[int, int, int]:
        """The volume's sides (k, j, i) must be multiples of these."""
        k, j, i = (n * 2**self.depth for n in CELL)
        return k, j, i

    @property
    def widths(self) -> list[int]:
        return [min(self.width * 2**i, self.widest) for i in range(self.depth + 1)]

    @property
    def reach(self) -> int:
        """Slices beyond which the input can hardly change the output: the overlap of neighbouring slabs."""
        return 3 * self.strides[0]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Conv(nn.Sequential):
    """3 x 3 x 3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm3d(outputs),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """Halves the resolution: two convolutions beside a pooled shortcut (He et al. 2016; residual encoder U-Net)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = _Conv(inputs, outputs, stride=2)
        self.second = nn.Sequential(nn.Conv3d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm3d(outputs))
        self.shortcut = nn.Sequential(nn.Conv3d(inputs, outputs, 1, bias=False), nn.BatchNorm3d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short = self.shortcut(nn.functional.avg_pool3d(x, 2))
        return torch.relu(self.second(self.first(x)) + short)


class VolumeNet(nn.Module):
    """Residual-encoder U-Net over cells of 2 x 2 voxels in plane.

    The voxels of a cell are input channels, and as many outputs a class (sub-pixel convolution, Shi et al. 2016): all
    convolutions run at half the resolution in plane, at a fraction of the memory traffic that makes 3-D networks slow
    on a CPU.

    forward: volumes (n, 1, k, j, i), sides multiples of ``shape.strides``; returns logits (n, classes, k, j, i). With
    ``deep`` a list: these, then logits at a half and a quarter of the resolution in plane (deep supervision).
    """

    def __init__(self, shape: VolumeNetShape) -> None:
        super().__init__()
        self.shape = shape
        w, cell = shape.widths, math.prod(CELL)
        pairs = list(itertools.pairwise(w))
        self.stem = nn.Sequential(_Conv(cell, w[0]), _Conv(w[0], w[0]))
        self.encoder = nn.ModuleList(_Residual(a, b) for a, b in pairs)
        self.up = nn.ModuleList(nn.Conv3d(b, a, 1) for a, b in pairs)
        self.decoder = nn.ModuleList(_Conv(2 * a, a) for a in w[:-1])
        self.head = nn.Conv3d(w[0], cell * shape.classes, 1)
        self.side_heads = nn.ModuleList(nn.Conv3d(a, shape.classes, 1) for a in w[:-1][:2])

    def forward(self, volumes: torch.Tensor, deep: bool = False) -> torch.Tensor | list[torch.Tensor]:
        x = self.stem(to_cells(volumes))
        skips = [x]
        for block in self.encoder:
            x = block(x)
            skips.append(x)
        sides: list[torch.Tensor] = []
        for level in reversed(range(self.shape.depth)):
            lifted = nn.functional.interpolate(self.up[level](x), scale_factor=2, mode="trilinear", align_corners=False)
            x = self.decoder[level](torch.cat([skips[level], lifted], dim=1))
            if deep and level < len(self.side_heads):
                sides.append(self.side_heads[level](x))
        logits = from_cells(self.head(x))
        return [logits, *reversed(sides)] if deep else logits

    def flops_per_voxel(self) -> float:
        """Multiply-adds, counted as two operations each, for one voxel of the volume (for achieved FLOP/s)."""
        w, cell = self.shape.widths, math.prod(CELL)
        per_cell: float = 27 * (cell * w[0] + w[0] ** 2) + cell * self.shape.classes * w[0]
        for level, (a, b) in enumerate(itertools.pairwise(w)):
            fine, coarse = 8.0**-level, 8.0 ** -(level + 1)
            per_cell += coarse * (27 * (a * b + b * b) + a * b + a * b) + fine * 27 * 2 * a * a
        return 2 * per_cell / cell


def to_cells(volumes: torch.Tensor) -> torch.Tensor:
    """(n, c, k, j, i) to (n, 4 c, k, j/2, i/2): the voxels of each cell become channels."""
    n, c, k, j, i = volumes.shape
    a, b, d = CELL
    cells = volumes.reshape(n, c, k // a, a, j // b, b, i // d, d).permute(0, 1, 3, 5, 7, 2, 4, 6)
    cells = cells.reshape(n, math.prod(CELL) * c, k // a, j // b, i // d)
    return cells.contiguous(memory_format=torch.channels_last_3d)


def from_cells(cells: torch.Tensor) -> torch.Tensor:
    """The way back from :func:`to_cells`."""
    n, c, k, j, i = cells.shape
    a, b, d = CELL
    volumes = cells.reshape(n, c // math.prod(CELL), a, b, d, k, j, i).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return volumes.reshape(n, c // math.prod(CELL), a * k, b * j, d * i)


def fused_volume_net(network: VolumeNet) -> VolumeNet:
    """The same function with batch normalisation folded into the convolutions; changes the network in place."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) >= 2 and isinstance(module[1], nn.BatchNorm3d):
            convolution = module[0]
            assert isinstance(convolution, nn.Conv3d)
            module[0], module[1] = fuse_conv_bn_eval(convolution, module[1]), nn.Identity()
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def up_to_multiple(n: int, stride: int) -> int:
    """The smallest multiple of ``stride`` that is at least ``n``."""
    return math.ceil(n / stride) * stride
