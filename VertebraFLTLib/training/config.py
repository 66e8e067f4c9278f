"""What `vertebraflt train CONFIG.toml` reads: data, network, schedule, loss, augmentation."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import VIEWS

KINDS = ("unet3d", "unet2d")
LOSSES = ("dice_ce", "cross_entropy", "focal", "dice", "lovasz")
OPTIMIZERS = ("adamw", "adam")
RATES = ("cosine", "plateau", "constant")
PRECISIONS = ("bf16-mixed", "32-true", "16-mixed")

# How the annotation of a setting reads -> the types it takes from TOML, and their name.
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}
_PROBABILITIES = ("affine", "elastic", "undersample", "narrow_view", "metal", "contrast_agent", "intensity")


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
    """``class_weights`` for the cross-entropy, background first (thesis eq. 15). ``deep``: weights of the losses at a
    half and a quarter of the resolution (3-D only)."""

    name: str = "dice_ce"
    class_weights: tuple[float, ...] = (0.1, 0.3, 0.3, 0.3, 0.3)
    focal_gamma: float = 2.0
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
    out: Path
    data: DataConfig
    network: NetworkConfig
    schedule: ScheduleConfig
    loss: LossConfig = field(default_factory=LossConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    start: Path | None = None  # a folder of earlier weights to go on from
    path: Path = Path("config.toml")

    def for_fold(self, fold: int | None) -> TrainConfig:
        """The same training with one fold left out, in a folder of its own; it starts from the weights of the same fold
        where ``start`` has folds, so that nothing left out was seen earlier."""
        if fold is None:
            return self
        own = self.start / f"fold{fold}" if self.start else None
        start = own if own and own.is_dir() else self.start
        return dataclasses.replace(self, out=self.out / f"fold{fold}", start=start)

    def settings(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data: kept in checkpoints and in the model's manifest."""
        parts = {
            n: dataclasses.asdict(getattr(self, n)) for n in ("data", "network", "schedule", "loss", "augmentation")
        }
        parts["data"]["manifest"] = self.data.manifest.name if self.data.manifest else None
        parts["schedule"].pop("threads")
        return parts


def read_config(path: Path) -> TrainConfig:
    """Parse and check a TOML file; relative paths in it are relative to its own folder, ``$VARIABLES`` are expanded."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a training TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error})") from error
    kinds: dict[str, type[Any]] = {
        "data": DataConfig,
        "network": NetworkConfig,
        "schedule": ScheduleConfig,
        "loss": LossConfig,
        "augmentation": AugmentationConfig,
    }
    unknown = set(raw) - {*kinds, "out", "start"}
    if unknown:
        raise InputError(f"{path}: unknown entries {sorted(unknown)}; known are out, start, {', '.join(kinds)}")
    for name in kinds:
        if not isinstance(raw.get(name, {}), dict):
            raise InputError(f"{path}: [{name}] must be a table of settings")

    def place(text: Any) -> Path:
        return (path.parent / os.path.expandvars(str(text))).resolve()

    data = dict(raw.get("data", {}))
    if "manifest" in data:
        data["manifest"] = place(data["manifest"])
    sections = {n: _section(kind, data if n == "data" else raw.get(n, {}), path, n) for n, kind in kinds.items()}
    start = place(raw["start"]) if "start" in raw else None
    config = TrainConfig(out=place(raw.get("out", "out/train")), start=start, path=path, **sections)
    _check(config, path)
    return config


def _check(config: TrainConfig, path: Path) -> None:
    data, network, schedule = config.data, config.network, config.schedule
    if data.manifest is None and not data.phantoms:
        raise InputError(f"{path}: [data] needs 'manifest' (labelled volumes) or 'phantoms' (seeds)")
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
    lengths = {
        "class_weights": (config.loss.class_weights, 5),
        "spacing_mm": (network.spacing_mm, 3),
        "patch": (schedule.patch, 3),
        "slice_mm": (config.augmentation.slice_mm, 2),
    }
    for name, (values, count) in lengths.items():
        if len(values) != count:
            raise InputError(f"{path}: {name} must be a list of {count} numbers")
    if len(config.loss.deep) not in (0, 2):
        raise InputError(f"{path}: [loss] deep must be a list of 2 numbers, or empty")
    if network.kind == "unet2d":
        if not schedule.views or len(set(schedule.views)) < len(schedule.views):
            raise InputError(f"{path}: [schedule] views must name at least one view, and each once")
        if not schedule.shared_steps and not schedule.view_steps:
            raise InputError(f"{path}: [schedule] shared_steps and view_steps are both 0; nothing would be trained")
        if network.depth > 4:
            raise InputError(f"{path}: [network] depth of a unet2d must be at most 4")
    elif any(n % 2 ** (network.depth + 1) for n in schedule.patch):
        raise InputError(f"{path}: [schedule] patch must be multiples of {2 ** (network.depth + 1)} for this depth")


def _section(kind: type[Any], values: dict[str, Any], path: Path, name: str) -> Any:
    known = {f.name for f in fields(kind)}
    unknown = set(values) - known
    if unknown:
        raise InputError(f"{path}: [{name}] has unknown entries {sorted(unknown)}; known are {sorted(known)}")
    for one in fields(kind):
        if one.name not in values:
            continue
        value, is_list = values[one.name], isinstance(one.default, tuple)
        if is_list != isinstance(value, list):
            raise InputError(f"{path}: [{name}] {one.name} must {'' if is_list else 'not '}be a list")
        wanted = str(one.type).removeprefix("tuple[").split(",")[0]
        if wanted in _TYPES and not all(type(v) in _TYPES[wanted][0] for v in (value if is_list else [value])):
            each = "a list, each entry " if is_list else ""
            raise InputError(f"{path}: [{name}] {one.name} must be {each}{_TYPES[wanted][1]}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
