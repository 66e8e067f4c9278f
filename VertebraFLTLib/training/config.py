"""What a training is told: data, network, schedule, loss, augmentation. config_file.py reads it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import VIEWS

KINDS = ("unet3d", "unet2d")
LOSSES = ("dice_ce", "cross_entropy", "focal", "dice", "lovasz")
OPTIMIZERS = ("adamw", "adam")
RATES = ("cosine", "plateau", "constant")
PRECISIONS = ("bf16-mixed", "32-true", "16-mixed")

# What one kind of network has no use for: it may not be given, and is not part of the settings.
_OF_THE_OTHER_KIND = {
    "unet3d": (("network", "context"), ("schedule", "views"), ("schedule", "shared_steps"), ("schedule", "view_steps")),
    "unet2d": (("schedule", "steps"), ("schedule", "patch"), ("loss", "deep")),
}


@dataclass(frozen=True)
class DataConfig:
    """``manifest``: the labelled volumes (training/manifest.py); none for simulated patients only. ``phantoms`` are
    seeds of simulated patients that join the training cases with ``phantom_share`` of the patches."""

    manifest: Path | None = None
    phantoms: tuple[int, ...] = ()
    phantom_share: float = 0.2


@dataclass(frozen=True)
class NetworkConfig:
    """``kind``: unet3d (one 3-D network) or unet2d (one 2-D network a view, as the thesis). ``depth`` counts the
    halvings; ``context`` (2-D) is the number of neighbouring slices on either side given as channels."""

    kind: str = "unet3d"
    width: int = 32
    depth: int = 3
    context: int = 1
    spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.0)


@dataclass(frozen=True)
class ScheduleConfig:
    """``steps`` train the 3-D network. In 2-D ``shared_steps`` train one network on all planes, then each plane's own
    starts from it for ``view_steps``. ``patch`` is the 3-D patch in voxels (k, j, i). ``keep``: the weights of the best
    validation, or of the last. ``patience``: validations without a better Dice before a stage ends early (0: never)."""

    steps: int = 1000
    views: tuple[str, ...] = VIEWS
    shared_steps: int = 1200
    view_steps: int = 600
    batch: int = 2
    patch: tuple[int, int, int] = (96, 96, 96)
    optimizer: str = "adamw"
    rates: str = "cosine"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_share: float = 0.08
    plateau_patience: int = 2
    keep: str = "best"
    patience: int = 0
    validate_every: int = 250
    checkpoint_every: int = 100
    precision: str = "bf16-mixed"
    seed: int = 0
    threads: int = 2


@dataclass(frozen=True)
class LossConfig:
    """``class_weights`` for the cross-entropy, background first (thesis eq. 15). ``gap_weight``: how many times as much
    background between two vertebral bodies counts there, as the U-Net's own border weights (Ronneberger et al. 2015).
    ``deep``: weights of the losses at a half and a quarter of the resolution (3-D only)."""

    name: str = "dice_ce"
    class_weights: tuple[float, ...] = (0.1, 0.3, 0.3, 0.3, 0.3)
    focal_gamma: float = 2.0
    gap_weight: float = 1.0
    deep: tuple[float, ...] = (0.3, 0.15)


@dataclass(frozen=True)
class AugmentationConfig:
    """Probabilities and ranges; the thesis's are scale 0.2, rotation 45 degrees, shift 0.2 (ch. 3.1.4).

    ``slice_mm``: range of simulated slice thickness, with ``undersample`` the probability. ``flip_all``: the thesis
    flips every axis; by default only left and right change places."""

    affine: float = 0.8
    scale: float = 0.2
    rotate_deg: float = 15.0
    flip_all: bool = False
    elastic: float = 0.15
    undersample: float = 0.6
    slice_mm: tuple[float, float] = (2.0, 6.0)
    narrow_view: float = 0.25
    metal: float = 0.05
    contrast_agent: float = 0.1
    intensity: float = 0.3


@dataclass(frozen=True)
class TrainConfig:
    """A whole training. ``out`` is the folder for all that it writes, ``start`` one of earlier weights to go on from,
    ``path`` the file that says all this, for messages."""

    out: Path
    data: DataConfig
    network: NetworkConfig
    schedule: ScheduleConfig
    loss: LossConfig = field(default_factory=LossConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    start: Path | None = None
    path: Path = Path("config.toml")

    def fold_folder(self, fold: int) -> Path:
        """Where the training that leaves this fold out writes."""
        return self.out / f"fold{fold}"

    def for_fold(self, fold: int | None) -> TrainConfig:
        """The same training with one fold left out, in a folder of its own; it starts from the weights of the same fold
        where ``start`` has folds.

        Raises InputError where ``start`` has other folds only: their weights have seen what this one leaves out.
        """
        if fold is None:
            return self
        start = self.start
        if start and (start / f"fold{fold}").is_dir():
            start = start / f"fold{fold}"
        elif start and (others := sorted(p.name for p in start.glob("fold[0-9]*") if p.is_dir())):
            raise InputError(
                f"{start}: 'start' has {', '.join(others)} but no fold{fold}, and weights of other folds may have seen "
                f"what fold {fold} leaves out; train its fold {fold} first"
            )
        return dataclasses.replace(self, out=self.fold_folder(fold), start=start)

    @property
    def start_name(self) -> str | None:
        """The start's folder and the one that it lies in: enough to tell one phase or fold from another."""
        return "/".join(self.start.parts[-2:]) if self.start else None

    def unused(self) -> tuple[tuple[str, str], ...]:
        """(section, name) of the settings that this network and this optimizer have no use for."""
        no_decay = (("schedule", "weight_decay"),) if self.schedule.optimizer == "adam" else ()
        no_gap = (("loss", "gap_weight"),) if self.loss.name in ("dice", "lovasz") else ()
        return _OF_THE_OTHER_KIND[self.network.kind] + no_decay + no_gap

    def settings(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data: kept in checkpoints and in the model's manifest."""
        parts = {
            n: dataclasses.asdict(getattr(self, n)) for n in ("data", "network", "schedule", "loss", "augmentation")
        }
        parts["data"]["manifest"] = self.data.manifest.name if self.data.manifest else None
        for section, name in (("schedule", "threads"), *self.unused()):
            parts[section].pop(name)
        return parts
