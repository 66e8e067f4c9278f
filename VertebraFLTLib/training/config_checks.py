"""What cannot be right in a training's configuration, each named on one line."""

from __future__ import annotations

from pathlib import Path

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import VIEWS
from VertebraFLTLib.segmentation.network3d import CELL
from VertebraFLTLib.training.config import KINDS, LOSSES, OPTIMIZERS, PRECISIONS, RATES, TrainConfig

_PROBABILITIES = ("affine", "elastic", "undersample", "narrow_view", "metal", "contrast_agent", "intensity")


def check(config: TrainConfig, given: set[tuple[str, str]]) -> None:
    """Raise InputError for the first thing that is wrong. given: (section, name) of what the file itself sets."""
    path = config.path
    data, network, schedule = config.data, config.network, config.schedule
    if data.manifest is None and not data.phantoms:
        raise InputError(f"{path}: [data] needs 'manifest' (labelled volumes) or 'phantoms' (seeds)")
    if data.manifest is None and data.phantom_share == 0:
        raise InputError(f"{path}: [data] phantom_share is 0 and there is no manifest; nothing would be trained on")
    _check_values(config, path)
    _check_lists(config, path)
    if network.kind == "unet2d":
        _check_views(config, path)
    else:
        _check_patch(config, path)
    for section, name in config.unused():
        if (section, name) in given:
            by = {"weight_decay": f"optimizer {schedule.optimizer}", "gap_weight": f"the {config.loss.name} loss"}.get(
                name, f"a {network.kind}"
            )
            raise InputError(f"{path}: [{section}] {name} is not used by {by}; leave it out")


def _check_values(config: TrainConfig, path: Path) -> None:
    data, network, schedule = config.data, config.network, config.schedule
    choices = {
        "[network] kind": (network.kind, KINDS),
        "[loss] name": (config.loss.name, LOSSES),
        "[schedule] optimizer": (schedule.optimizer, OPTIMIZERS),
        "[schedule] rates": (schedule.rates, RATES),
        "[schedule] keep": (schedule.keep, ("best", "last")),
        "[schedule] precision": (schedule.precision, PRECISIONS),
    }
    for where, (value, allowed) in choices.items():
        if value not in allowed:
            raise InputError(f"{path}: {where} is {value!r}; choose from {', '.join(allowed)}")
    for view in schedule.views:
        if view not in VIEWS:
            raise InputError(f"{path}: [schedule] views has {view!r}; choose from {', '.join(VIEWS)}")
    for name in ("width", "depth", "steps", "batch", "validate_every", "checkpoint_every", "threads"):
        if getattr(network if hasattr(network, name) else schedule, name) < 1:
            raise InputError(f"{path}: {name} must be a whole number above 0")
    for name in ("context", "shared_steps", "view_steps", "patience", "plateau_patience", "seed", "weight_decay"):
        if getattr(network if hasattr(network, name) else schedule, name) < 0:
            raise InputError(f"{path}: {name} must not be below 0")
    shares = {
        "phantom_share": data.phantom_share,
        "warmup_share": schedule.warmup_share,
        **{n: getattr(config.augmentation, n) for n in _PROBABILITIES},
    }
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise InputError(f"{path}: {name} must be a share from 0 to 1")
    if schedule.learning_rate <= 0 or min(network.spacing_mm, default=1) <= 0 or min(schedule.patch, default=1) <= 0:
        raise InputError(f"{path}: learning_rate, spacing_mm and patch must be above 0")


def _check_lists(config: TrainConfig, path: Path) -> None:
    network, schedule, slice_mm = config.network, config.schedule, config.augmentation.slice_mm
    lengths = {
        "class_weights": (config.loss.class_weights, 5),
        "spacing_mm": (network.spacing_mm, 3),
        "patch": (schedule.patch, 3),
        "slice_mm": (slice_mm, 2),
    }
    for name, (values, count) in lengths.items():
        if len(values) != count:
            raise InputError(f"{path}: {name} must be a list of {count} numbers")
    if config.loss.gap_weight <= 0:
        raise InputError(f"{path}: [loss] gap_weight must be above 0 (1: discs count as any background)")
    if len(config.loss.deep) not in (0, 2):
        raise InputError(f"{path}: [loss] deep must be a list of 2 numbers, or empty")
    if not 0 <= slice_mm[0] <= slice_mm[1]:
        raise InputError(f"{path}: [augmentation] slice_mm must be the thinnest slice, then the thickest")


def _check_views(config: TrainConfig, path: Path) -> None:
    schedule = config.schedule
    if not schedule.views or len(set(schedule.views)) < len(schedule.views):
        raise InputError(f"{path}: [schedule] views must name at least one view, and each once")
    if not schedule.shared_steps and not schedule.view_steps:
        raise InputError(f"{path}: [schedule] shared_steps and view_steps are both 0; nothing would be trained")
    if config.network.depth > 4:
        raise InputError(f"{path}: [network] depth of a unet2d must be at most 4")


def _check_patch(config: TrainConfig, path: Path) -> None:
    strides = [n * 2**config.network.depth for n in CELL]
    if any(n % stride for n, stride in zip(config.schedule.patch, strides, strict=True)):
        by = ", ".join(map(str, strides))
        raise InputError(f"{path}: [schedule] patch must be multiples of {by} for this depth")
