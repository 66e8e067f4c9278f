"""A model card: what its author adds to a published model's manifest, read from TOML and checked."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import COMBINATIONS
from VertebraFLTLib.segmentation.volume import VOLUME
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.toml_file import read_toml

_OF_KIND = {"unet3d": ("folds", "mirror"), "unet2d": ("views", "combine")}
# For people: texts, numbers, lists and tables of them.
_TOLD = (
    *("date", "description", "notes", "authors", "citation", "intended_use", "device", "hardware", "duration"),
    *("licence", "licences", "accuracy", "not_measured", "known_failures"),
)


def read_card(path: Path, config: TrainConfig, folds: Iterable[int]) -> dict[str, Any]:
    """The entries of a card for what ``config`` trains, as they stand in the manifest; thresholds by view, or by
    ``volume``. folds: those that there are.

    Raises InputError for the first entry that a card may not set, or that does not fit the network.
    """
    card = read_toml(path, "a model card in TOML")
    kind = config.network.kind
    allowed = ("name", "thresholds", *_OF_KIND[kind], *_TOLD)
    for name in card:
        if name not in allowed:
            raise InputError(f"{path}: {name} cannot be set by the card of a {kind}; it may have {', '.join(allowed)}")
    if not isinstance(card.get("name", "-"), str) or not card.get("name", "-").strip():
        raise InputError(f"{path}: name must be a text")
    if not isinstance(card.get("mirror", True), bool):
        raise InputError(f"{path}: mirror must be true or false")
    if "folds" in card:
        _check_folds(card["folds"], tuple(folds), path)
    if kind == "unet2d":
        _check_ensemble(card, config.schedule.views, path)
    if "thresholds" in card:
        keys = (VOLUME,) if kind == "unet3d" else config.schedule.views
        card["thresholds"] = _thresholds(card["thresholds"], keys, path)
    return {name: _plain(value) for name, value in card.items()}


def _check_folds(folds: Any, known: tuple[int, ...], path: Path) -> None:
    there = ", ".join(map(str, known)) or "none"
    if not isinstance(folds, list) or not folds or any(type(k) is not int for k in folds):
        raise InputError(f"{path}: folds must be a list of folds; there are: {there}")
    if strange := [k for k in folds if k not in known]:
        raise InputError(f"{path}: folds has {strange[0]}, which no training case has; folds there are: {there}")
    if len(set(folds)) < len(folds):
        raise InputError(f"{path}: folds must name each fold once")


def _check_ensemble(card: dict[str, Any], trained: tuple[str, ...], path: Path) -> None:
    views, combine = card.get("views", list(trained)), card.get("combine", "average")
    if not isinstance(views, list) or not views or any(views.count(v) != 1 or v not in trained for v in views):
        raise InputError(f"{path}: views must be a list of some of {', '.join(trained)}, each once")
    if combine not in COMBINATIONS:
        raise InputError(f"{path}: combine is {combine!r}; choose from {', '.join(COMBINATIONS)}")
    if combine == "vote" and len(views) < 2:
        raise InputError(f"{path}: combine 'vote' needs at least two views")


def _thresholds(given: Any, keys: tuple[str, ...], path: Path) -> dict[str, list[float]]:
    """One list of a number a structure for each key; for a 3-D model the list may stand alone."""
    names = ", ".join(s.name.lower() for s in STRUCTURES)
    if keys == (VOLUME,) and isinstance(given, list):
        given = {VOLUME: given}
    if not isinstance(given, dict) or set(given) != set(keys):
        wanted = "a list" if keys == (VOLUME,) else f"a table with a list for each of {', '.join(keys)}"
        raise InputError(f"{path}: thresholds must be {wanted} ({names})")
    for key, values in given.items():
        if (
            not isinstance(values, list)
            or len(values) != len(STRUCTURES)
            or not all(type(v) in (int, float) and 0 <= v <= 1 for v in values)
        ):
            raise InputError(f"{path}: thresholds of {key} must be {len(STRUCTURES)} numbers from 0 to 1 ({names})")
    return {key: [float(v) for v in given[key]] for key in keys}


def _plain(value: Any) -> Any:
    """As JSON has it: TOML's dates become texts."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value
