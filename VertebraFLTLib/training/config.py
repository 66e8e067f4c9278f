"""What `vertebraflt train CONFIG.toml` reads: data and roles, network, grid, schedule."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import VIEWS


@dataclass(frozen=True)
class DataConfig:
    """Labelled CT as ``ROOT/NAME_ct.nii.gz`` with ``NAME_semantic.nii.gz`` (and, where they exist, ``NAME_ignore`` and
    ``NAME_levels``). ``ignore_levels`` leaves single vertebrae (VerSe numbers) of a case out of loss and scores.
    ``phantoms`` are seeds of simulated patients added to the training cases."""

    root: Path
    train: tuple[str, ...]
    validation: tuple[str, ...]
    ignore_levels: dict[str, list[int]] = field(default_factory=dict)
    phantoms: tuple[int, ...] = ()
    slice_mm: tuple[float, ...] = (4.0, 5.0, 6.0)  # simulated under-sampling of finer cases


@dataclass(frozen=True)
class NetworkConfig:
    width: int = 16
    depth: int = 4
    context: int = 1
    spacing_mm: tuple[float, float, float] = (2.0, 2.0, 3.0)


@dataclass(frozen=True)
class ScheduleConfig:
    """``shared_steps`` train one network on all three planes; each plane's own network then starts from it."""

    views: tuple[str, ...] = VIEWS
    shared_steps: int = 1200
    view_steps: int = 600
    batch: int = 8
    learning_rate: float = 1e-3
    class_weights: tuple[float, ...] = (0.1, 0.3, 0.3, 0.3, 0.3)  # eq. 15
    validate_every: int = 300
    seed: int = 0
    threads: int = 2


@dataclass(frozen=True)
class TrainConfig:
    out: Path
    data: DataConfig
    network: NetworkConfig
    schedule: ScheduleConfig


def read_config(path: Path) -> TrainConfig:
    """Parse and check a TOML file; relative paths in it are relative to its own folder, ``$VARIABLES`` are expanded."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a training TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error})") from error
    here = path.parent

    def folder(text: str) -> Path:
        return (here / os.path.expandvars(text)).resolve()

    for name in ("data", "network", "schedule"):
        if not isinstance(raw.get(name, {}), dict):
            raise InputError(f"{path}: [{name}] must be a table of settings")
    data = dict(raw.get("data", {}))
    for key in ("root", "train"):
        if key not in data:
            raise InputError(f"{path}: [data] needs '{key}'")
    data["root"] = folder(str(data["root"]))
    config = TrainConfig(
        out=folder(str(raw.get("out", "out/train"))),
        data=_section(DataConfig, {"validation": (), **data}, path, "data"),
        network=_section(NetworkConfig, raw.get("network", {}), path, "network"),
        schedule=_section(ScheduleConfig, raw.get("schedule", {}), path, "schedule"),
    )
    _check(config, path)
    both = set(config.data.train) & set(config.data.validation)
    if both:
        raise InputError(f"{path}: {sorted(both)} stand in train and in validation; a case has one role")
    return config


def _check(config: TrainConfig, path: Path) -> None:
    data, schedule = config.data, config.schedule
    lists = {"train": data.train, "validation": data.validation, "phantoms": data.phantoms}
    wrong = [name for name, value in lists.items() if not isinstance(value, tuple)]
    if wrong:
        raise InputError(f"{path}: [data] {wrong[0]} must be a list")
    wrong = [view for view in schedule.views if view not in VIEWS]
    if wrong:
        raise InputError(f"{path}: [schedule] views has {wrong[0]!r}; choose from {', '.join(VIEWS)}")
    counts = {"width": config.network.width, "depth": config.network.depth, "batch": schedule.batch}
    for name, value in {**counts, "validate_every": schedule.validate_every, "threads": schedule.threads}.items():
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{path}: {name} must be a whole number above 0")
    if len(schedule.class_weights) != 5 or len(config.network.spacing_mm) != 3:
        raise InputError(f"{path}: class_weights needs 5 numbers (background first), spacing_mm 3")


def _section(kind: type[Any], values: dict[str, Any], path: Path, name: str) -> Any:
    known = {f.name for f in fields(kind)}
    unknown = set(values) - known
    if unknown:
        raise InputError(f"{path}: [{name}] has unknown entries {sorted(unknown)}; known are {sorted(known)}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
