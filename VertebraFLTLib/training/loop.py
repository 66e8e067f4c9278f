"""A whole training, on one process or many (Lightning Fabric): data, stages, exact resume, the model at the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.segmentation.device import choose_device
from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.checkpoint import FILE, RunState, copied, load_state, save_state
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.fit import Fit
from VertebraFLTLib.training.manifest import CaseEntry, read_manifest
from VertebraFLTLib.training.prepared import cases_of
from VertebraFLTLib.training.publish import publish
from VertebraFLTLib.training.records import Records
from VertebraFLTLib.training.stages import SHARED, new_network, stages
from VertebraFLTLib.training.start import check_start, load_weights, own_start, start_from


def train(
    config: TrainConfig,
    device: str = "auto",
    *,
    fold: int | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Path:
    """Train as ``config`` says; returns the folder, which then is a model folder (for ``--model-folder``).

    fold: leave this fold of the manifest out (its weights lie in ``foldK`` of the config's folder). resume: go on from
    the folder's checkpoint, to the same weights as without the interruption. Raises InputError for what the config,
    its data or the checkpoint has wrong, and for a loss that is no longer a number.
    """
    config = config.for_fold(fold)
    manifest = read_manifest(config.data.manifest) if config.data.manifest else None
    if fold is not None and manifest is None:
        raise InputError(f"{config.path}: --fold needs [data] manifest, which says what belongs to a fold")
    train_on, left_out = manifest.split(fold) if manifest else ((), ())
    validate_on = manifest.with_role("validation") if manifest else ()
    _check_data(config, train_on, validate_on)
    settings = _settings(config, fold, train_on, validate_on)
    if resume:
        state = load_state(config.out, settings)
    elif (config.out / FILE).exists():
        raise InputError(f"{config.out}: holds a training run already; go on with --resume, or give another 'out'")
    else:
        state = RunState({**settings, "run": {**settings["run"], "earlier_cases": check_start(config, left_out)}})
    torch.set_num_threads(config.schedule.threads)
    torch.manual_seed(config.schedule.seed)
    fabric = _fabric(choose_device(device), config)
    network = new_network(config.network)
    if not resume:
        start_from(network, config)
    cases, validation = cases_of(config, train_on, validate_on)
    config.out.mkdir(parents=True, exist_ok=True)
    if not state.shared:
        state.shared = copied(network.state_dict())
    if state.scaler:
        fabric.strategy.precision.load_state_dict(state.scaler)
    records = Records(config.out) if fabric.is_global_zero else None
    try:
        if records:
            records.rewind(state.done_stages, state.stage, state.step)
        _run_stages(fabric, fabric.to_device(network), config, state, cases, validation, records, progress)
    finally:
        if records:
            records.close()
    # Shared weights alone are a start for others, not a model.
    if fabric.is_global_zero and state.done_stages[-1] != SHARED:
        publish(config, manifest, fold)
    return config.out


def _check_data(config: TrainConfig, train_on: tuple[CaseEntry, ...], validate_on: tuple[CaseEntry, ...]) -> None:
    data, schedule = config.data, config.schedule
    if data.manifest and not train_on and not (data.phantoms and data.phantom_share):
        raise InputError(f"{data.manifest}: no case is left to train on; give more of them the role train")
    if not validate_on and (schedule.rates == "plateau" or schedule.patience):
        what = "rates 'plateau'" if schedule.rates == "plateau" else "patience"
        raise InputError(
            f"{config.path}: [schedule] {what} waits for better validations, and no case has the role validation; "
            "give one that role, or choose other rates and no patience"
        )


def _settings(
    config: TrainConfig, fold: int | None, train_on: tuple[CaseEntry, ...], validate_on: tuple[CaseEntry, ...]
) -> dict[str, Any]:
    """All that a resumed run must have in common with the one that it goes on with."""
    run = {
        "fold": fold,
        "cases": [c.name for c in train_on],
        "validation": [c.name for c in validate_on],
        "start": config.start_name,
        "processes": _processes(),
    }
    return {**config.settings(), "run": run}


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _run_stages(
    fabric: Fabric,
    network: torch.nn.Module,
    config: TrainConfig,
    state: RunState,
    cases: list[TrainingCase],
    validation: list[TrainingCase],
    records: Records | None,
    progress: Progress,
) -> None:
    for stage in stages(config):
        if stage.name in state.done_stages:
            continue
        if state.stage != stage.name:
            network.load_state_dict(state.shared)
            own_start(network, config, stage)
            state.stage, state.step = stage.name, 0
            state.best_dice, state.best_step, state.without_better = -1.0, 0, 0
            state.network, state.optimizer, state.rates, state.recent = {}, {}, {}, []
        Fit(fabric, network, stage, config, state, records, progress).run(cases, validation)
        state.done_stages.append(stage.name)
        if stage.name == SHARED:
            fabric.barrier()  # process 0 has written what the others read
            if config.schedule.keep == "best":
                load_weights(network, config.out / f"{SHARED}.safetensors")
            state.shared = copied(network.state_dict())
        if fabric.is_global_zero:
            save_state(state, config.out)


def _fabric(device: torch.device, config: TrainConfig) -> Fabric:
    """One process, or as many as torchrun started."""
    # The 3-D network's coarse outputs have weights that nothing reaches without deep supervision.
    idle = config.network.kind == "unet3d" and not config.loss.deep
    ddp = "ddp_find_unused_parameters_true" if idle else "ddp"
    fabric = Fabric(
        accelerator="cuda" if device.type == "cuda" else "cpu",
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        strategy=ddp if _processes() > 1 else "auto",
        precision=config.schedule.precision,
    )
    fabric.launch()
    return fabric
