"""Spatial and intensity augmentation of 2-D patches with MONAI's transforms."""

from __future__ import annotations

import math

from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandGridDistortiond,
    RandScaleIntensityd,
    RandShiftIntensityd,
)

from VertebraFLTLib.training.config import AugmentationConfig

_BOTH = ["image", "label"]


def spatial(settings: AugmentationConfig, size: tuple[int, int], left_right: int | None) -> Compose:
    """Scale, rotation, shift (by the choice of the window), shear, elastic deformation and flips, edges mirrored.

    size: of what comes out; the input should be about a quarter larger. left_right: the spatial axis that runs from
    right to left, or None where a slice has none (sagittal).
    """
    rotation = math.radians(settings.rotate_deg)
    steps: list[object] = [
        RandAffined(
            _BOTH,
            prob=settings.affine,
            rotate_range=(rotation,),
            scale_range=settings.scale,
            shear_range=0.06,
            spatial_size=size,
            mode=("bilinear", "nearest"),
            padding_mode="reflection",
        ),
        RandGridDistortiond(
            _BOTH,
            prob=settings.elastic,
            distort_limit=0.15,
            num_cells=4,
            mode=("bilinear", "nearest"),
            padding_mode="reflection",
        ),
    ]
    axes = range(2) if settings.flip_all else ([] if left_right is None else [left_right])
    steps += [RandFlipd(_BOTH, prob=0.5, spatial_axis=axis) for axis in axes]
    return Compose(steps)


def intensity(settings: AugmentationConfig) -> Compose:
    """Gamma, gain, offset, blur and noise on the normalised image."""
    p = settings.intensity
    return Compose(
        [
            RandAdjustContrastd("image", prob=p, gamma=(0.75, 1.4)),
            RandScaleIntensityd("image", factors=0.15, prob=p),
            RandShiftIntensityd("image", offsets=0.08, prob=p),
            RandGaussianSmoothd("image", sigma_x=(0.3, 0.9), sigma_y=(0.3, 0.9), prob=0.5 * p),
            RandGaussianNoised("image", prob=p, std=0.06),
        ]
    )
