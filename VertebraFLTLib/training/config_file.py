"""The TOML file that `vertebraflt train CONFIG.toml` reads."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.config import (
    AugmentationConfig,
    DataConfig,
    LossConfig,
    NetworkConfig,
    ScheduleConfig,
    TrainConfig,
)
from VertebraFLTLib.training.config_checks import check
from VertebraFLTLib.training.toml_file import placed, read_toml

_SECTIONS: dict[str, type[Any]] = {
    "data": DataConfig,
    "network": NetworkConfig,
    "schedule": ScheduleConfig,
    "loss": LossConfig,
    "augmentation": AugmentationConfig,
}
# How the annotation of a setting reads -> the types it takes from TOML, and their name.
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}


def read_config(path: Path) -> TrainConfig:
    """Parse and check a TOML file; relative paths in it are relative to its own folder, ``$VARIABLES`` are expanded."""
    raw = read_toml(path, "a training TOML file")
    unknown = set(raw) - {*_SECTIONS, "out", "start"}
    if unknown:
        raise InputError(f"{path}: unknown entries {sorted(unknown)}; known are out, start, {', '.join(_SECTIONS)}")
    given: dict[str, dict[str, Any]] = {}
    for name in _SECTIONS:
        values = raw.get(name, {})
        if not isinstance(values, dict):
            raise InputError(f"{path}: [{name}] must be a table of settings")
        given[name] = dict(values)
    if "manifest" in given["data"]:
        given["data"]["manifest"] = placed(given["data"]["manifest"], "[data] manifest", path)
    config = TrainConfig(
        out=placed(raw.get("out", "out/train"), "out", path),
        start=placed(raw["start"], "start", path) if "start" in raw else None,
        path=path,
        **{name: _section(kind, given[name], path, name) for name, kind in _SECTIONS.items()},
    )
    check(config, {(name, key) for name, values in given.items() for key in values})
    return config


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
