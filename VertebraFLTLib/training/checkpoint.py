"""A training run's state on disk: enough to go on from any checkpoint as if nothing had happened."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from VertebraFLTLib.errors import InputError

FILE = "checkpoint.pt"
_DAMAGED = "the checkpoint is damaged or of another version; delete it and start afresh"


@dataclass
class RunState:
    """Where a run stands. ``stage`` and ``step`` count what is done; ``best_*`` belong to the present stage, as do
    ``network``, ``optimizer`` and ``rates`` (their state dictionaries). ``shared`` are the weights that later stages
    start from. ``recent``: the losses since the last row of the log. ``scaler``: that of 16-bit gradients, where there
    is one. ``settings``: the config, so that another one is not resumed by mistake."""

    settings: dict[str, Any]
    stage: str = ""
    step: int = 0
    done_stages: list[str] = field(default_factory=list)
    best_dice: float = -1.0
    best_step: int = 0
    without_better: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    recent: list[float] = field(default_factory=list)
    scaler: dict[str, Any] = field(default_factory=dict)


def save_state(state: RunState, folder: Path) -> None:
    """Write the checkpoint under a temporary name and rename: a kill leaves the former one whole."""
    temporary = folder / (FILE + ".partial")
    torch.save(vars(state), temporary)
    temporary.replace(folder / FILE)


def load_state(folder: Path, settings: dict[str, Any]) -> RunState:
    """The checkpoint of ``folder``.

    Raises InputError when it is missing, damaged, or of a training with other settings (the first that differs is
    named).
    """
    path = folder / FILE
    if not path.exists():
        raise InputError(f"{path}: no checkpoint to resume from; leave out --resume to start afresh")
    try:
        state = RunState(**_read(path))
    except TypeError:
        raise InputError(f"{path}: {_DAMAGED}") from None
    differing = [
        f"[{section}] {key}"
        for section, values in settings.items()
        for key, value in values.items()
        if state.settings.get(section, {}).get(key) != value
    ]
    if differing:
        raise InputError(f"{path}: was made with another {differing[0]}; restore the config or start afresh")
    return state


def settings_of(folder: Path) -> dict[str, Any] | None:
    """The settings of the run whose checkpoint lies in ``folder``; None where there is none. Raises InputError for a
    damaged one."""
    path = folder / FILE
    if not path.exists():
        return None
    settings = _read(path).get("settings")
    if not isinstance(settings, dict):
        raise InputError(f"{path}: {_DAMAGED}")
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (RuntimeError, EOFError, TypeError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile):
        raise InputError(f"{path}: {_DAMAGED}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: {_DAMAGED}")
    return raw


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """A network's state on the CPU, of its own."""
    return {k: v.detach().cpu().clone() for k, v in state.items()}
