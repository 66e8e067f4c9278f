"""Earlier weights that a training goes on from, and which cases they have seen."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.segmentation.volume import VOLUME
from VertebraFLTLib.segmentation.weights import MANIFEST, read_state
from VertebraFLTLib.training.checkpoint import settings_of
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.manifest import CaseEntry
from VertebraFLTLib.training.stages import SHARED, Stage

log = logging.getLogger(__name__)


def seen_by(folder: Path) -> set[str] | None:
    """The cases that a folder's weights were trained on, there or in what they started from; None where nothing in it
    says so."""
    records: list[dict[str, Any]] = []
    path = folder / MANIFEST
    if path.exists():
        try:
            records.append(json.loads(path.read_text(encoding="utf-8")).get("training") or {})
        except (OSError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: not a readable model manifest ({error!r})") from error
    records.append((settings_of(folder) or {}).get("run", {}))
    known = [r for r in records if isinstance(r, dict) and isinstance(r.get("cases"), (dict, list))]
    return {name for r in known for name in (*r["cases"], *r.get("earlier_cases", ()))} if known else None


def check_start(config: TrainConfig, left_out: Iterable[CaseEntry]) -> list[str]:
    """The cases that ``config.start`` has seen, sorted. Raises InputError if one of them is now left out; where the
    folder does not say what it has seen there is a warning."""
    names = {case.name for case in left_out}
    seen = seen_by(config.start) if config.start else set()
    if seen is None:
        if names:
            log.warning(
                "%s: does not say what it was trained on; make sure that it was not %s, left out here",
                config.start,
                ", ".join(sorted(names)),
            )
        return []
    if names & seen:
        raise InputError(
            f"{config.start}: 'start' was trained on {', '.join(sorted(names & seen))}, which this fold leaves out; "
            "start from weights that have not seen it"
        )
    return sorted(seen)


def start_from(network: torch.nn.Module, config: TrainConfig) -> None:
    """Load the weights that the first stage starts from, if ``config.start`` says so."""
    folder, schedule = config.start, config.schedule
    if folder is None:
        return
    for name in (VOLUME, SHARED):
        if (folder / f"{name}.safetensors").exists():
            load_weights(network, folder / f"{name}.safetensors")
            return
    own = config.network.kind == "unet2d" and not schedule.shared_steps
    if own and all((folder / f"{view}.safetensors").exists() for view in schedule.views):
        return  # each view goes on from its own
    raise InputError(f"{folder}: 'start' holds neither {VOLUME}.safetensors nor {SHARED}.safetensors")


def own_start(network: torch.nn.Module, config: TrainConfig, stage: Stage) -> None:
    """A view may go on from its own earlier weights instead of the shared ones."""
    own = config.start / f"{stage.name}.safetensors" if config.start else None
    if own and stage.name not in (VOLUME, SHARED) and own.exists() and not config.schedule.shared_steps:
        load_weights(network, own)


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Raises InputError where the file is damaged or of another network."""
    state = read_state(path)
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        short = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: these weights do not fit the config's [network] ({short})") from error
