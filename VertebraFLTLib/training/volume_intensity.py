"""Random gamma, gain, offset, blur and noise of a 3-D patch, on whatever device it lies."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import conv3d, pad

from VertebraFLTLib.training.config import AugmentationConfig


def vary_intensity(image: torch.Tensor, settings: AugmentationConfig, random: np.random.Generator) -> torch.Tensor:
    """A normalised patch (k, j, i; -1..1) as another scanner's kernel, dose and calibration might have given it; the
    ranges are those of the 2-D patches (augmentation.intensity)."""
    p = settings.intensity
    if random.random() < p:
        image = ((image.clamp(-1, 1) + 1) / 2) ** float(random.uniform(0.75, 1.4)) * 2 - 1
    if random.random() < p:
        image = image * float(random.uniform(0.85, 1.15))
    if random.random() < p:
        image = image + float(random.uniform(-0.08, 0.08))
    if random.random() < 0.5 * p:
        image = _blurred(image, random.uniform(0.3, 0.9, 3))
    if random.random() < p:
        noise = torch.Generator(image.device).manual_seed(int(random.integers(2**31)))
        spread = float(random.uniform(0, 0.06))
        image = image + spread * torch.randn(image.shape, generator=noise, device=image.device)
    return image.clamp(-1, 1)


def _blurred(image: torch.Tensor, sigmas: np.ndarray) -> torch.Tensor:
    x = image[None, None]
    for axis, sigma in enumerate(sigmas):
        weights = torch.exp(-0.5 * (torch.arange(-2, 3, device=image.device) / float(sigma)) ** 2)
        shape, margin = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = 5
        margin[2 * (2 - axis)] = margin[2 * (2 - axis) + 1] = 2
        x = conv3d(pad(x, margin, mode="replicate"), (weights / weights.sum()).view(shape))
    return x[0, 0]
