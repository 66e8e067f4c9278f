"""The stages of a training: one for the 3-D network; shared, then one a view, for the 2-D ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from VertebraFLTLib.segmentation.network import UNet2d, UNetShape, channels_last
from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape
from VertebraFLTLib.segmentation.volume import VOLUME
from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.config import NetworkConfig, TrainConfig
from VertebraFLTLib.training.sampling import Sampler
from VertebraFLTLib.training.slice_sampling import SliceSampler
from VertebraFLTLib.training.volume_sampling import VolumeSampler

SHARED = "shared"


@dataclass(frozen=True)
class Stage:
    """``views`` take turns, a batch each; None stands for the 3-D network."""

    name: str
    steps: int
    views: tuple[str | None, ...]
    learning_rate: float


def stages(config: TrainConfig) -> list[Stage]:
    """What is trained, in order. The views' own stages start from the shared weights at half the rate."""
    schedule = config.schedule
    rate = schedule.learning_rate
    if config.network.kind == "unet3d":
        return [Stage(VOLUME, schedule.steps, (None,), rate)]
    shared = [Stage(SHARED, schedule.shared_steps, schedule.views, rate)] if schedule.shared_steps else []
    own = schedule.views if schedule.view_steps else ()
    return shared + [Stage(v, schedule.view_steps, (v,), rate / 2) for v in own]


def shape_of(config: NetworkConfig) -> UNetShape | VolumeNetShape:
    """What must be known of the network to build it again."""
    if config.kind == "unet3d":
        return VolumeNetShape(width=config.width, depth=config.depth)
    return UNetShape(width=config.width, depth=config.depth, context=config.context)


def new_network(config: NetworkConfig) -> UNet2d | VolumeNet:
    """The network of the config with random weights (torch's random state decides)."""
    shape = shape_of(config)
    if isinstance(shape, UNetShape):
        return channels_last(UNet2d(shape))
    return VolumeNet(shape).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def samplers(
    stage: Stage, config: TrainConfig, cases: list[TrainingCase], device: torch.device | None = None
) -> list[Sampler]:
    """One a view; seeds differ between the views of a stage, and between the shared stage and the views' own.

    device: where 3-D patches are made.
    """
    found: list[Sampler] = []
    for index, view in enumerate(stage.views):
        seed = config.schedule.seed + (0 if view is None or stage.name == SHARED else 100) + 7 * index
        share = config.data.phantom_share
        if view is None:
            x, y, z = config.network.spacing_mm
            patch = config.schedule.patch
            found.append(VolumeSampler(cases, patch, (z, y, x), config.augmentation, share, seed, device))
        else:
            context, spacing = config.network.context, config.network.spacing_mm
            found.append(SliceSampler(cases, view, context, spacing, config.augmentation, share, seed))
    return found
