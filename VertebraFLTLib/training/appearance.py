"""Changes of a CT's appearance in HU that leave anatomy where it is: slices, contrast medium, metal, field of view."""

from __future__ import annotations

import numpy as np
import torch

from VertebraFLTLib.segmentation.grid import AIR_HU
from VertebraFLTLib.training.config import AugmentationConfig
from VertebraFLTLib.training.undersampling import thick_slices


def alter(
    hu: torch.Tensor,
    labels: torch.Tensor,
    spacing_z_mm: float,
    native_mm: float,
    settings: AugmentationConfig,
    random: np.random.Generator,
    axes: tuple[int, ...] = (0, 1, 2),
) -> tuple[torch.Tensor, torch.Tensor]:
    """A patch (k, j, i; HU float32, labels uint8) as another scanner or protocol might have given it.

    axes: along which the field of view may be narrowed; of a stack of slices, those of the slice.
    """
    if random.random() < settings.contrast_agent:
        hu = with_contrast_agent(hu, labels, random)
    if random.random() < settings.metal:
        hu = with_metal(hu, random)
    low, high = settings.slice_mm
    thickness = float(random.uniform(max(low, native_mm), high)) if high > native_mm else 0.0
    if thickness and random.random() < settings.undersample:
        matrix = thick_slices(len(hu), spacing_z_mm, native_mm, thickness, float(random.random()))
        hu = torch.tensordot(torch.from_numpy(matrix).to(hu.device), hu, dims=1)
    if random.random() < settings.narrow_view:
        hu, labels = narrowed(hu, labels, random, axes)
    return hu, labels


def with_contrast_agent(hu: torch.Tensor, labels: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Soft tissue outside bone brightened where it already is brightest, as vessels and organs are after contrast."""
    tissue = (labels == 0) & (hu > 20) & (hu < 200)
    gain = float(random.uniform(0.2, 1.5))
    return torch.where(tissue, hu + gain * (hu - 40).clamp(0, 60), hu)


def with_metal(hu: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """A rod or clip with the bright and dark streaks that lie in its slices."""
    out = hu.clone()
    k, j, i = (int(random.integers(0, n)) for n in hu.shape)
    tall, wide = int(random.integers(2, 30)), int(random.integers(2, 5))
    slices = slice(max(0, k - tall // 2), k + tall // 2 + 1)
    y = (torch.arange(hu.shape[1], device=hu.device) - j)[:, None].float()
    x = (torch.arange(hu.shape[2], device=hu.device) - i)[None].float()
    angle, distance = torch.atan2(y, x), torch.hypot(y, x)
    spokes = torch.cos(angle * int(random.integers(2, 6)) + float(random.uniform(0, 6.3)))
    out[slices] += float(random.uniform(100, 500)) * spokes * torch.exp(-distance / float(random.uniform(8, 25)))
    out[slices, max(0, j - wide) : j + wide, max(0, i - wide) : i + wide] = 3000.0
    return out


def narrowed(
    hu: torch.Tensor, labels: torch.Tensor, random: np.random.Generator, axes: tuple[int, ...] = (0, 1, 2)
) -> tuple[torch.Tensor, torch.Tensor]:
    """A random field of view: scans are cropped to the spine, or end at the gantry's edge; beyond is air.

    Cut along each of ``axes`` or not; bodies cut by the edge keep the label of what is left.
    """
    hu, labels = hu.clone(), labels.clone()
    for axis in axes:
        if random.random() < 0.6:
            n = hu.shape[axis]
            low, high = int(random.uniform(0, 0.4) * n), int(random.uniform(0.6, 1) * n)
            for part in (slice(0, low), slice(high, n)):
                where = tuple(part if a == axis else slice(None) for a in range(3))
                hu[where] = AIR_HU
                labels[where] = 0
    return hu, labels
