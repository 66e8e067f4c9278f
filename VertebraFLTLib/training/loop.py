"""The training loop, on one process or many (Lightning Fabric): fit, validate, keep the best, resume exactly."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.segmentation.device import choose_device
from VertebraFLTLib.segmentation.weights import read_state, save_network
from VertebraFLTLib.training.cases import TrainingCase, load_cases
from VertebraFLTLib.training.checkpoint import FILE, RunState, load_state, save_state
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.losses import SegmentationLoss
from VertebraFLTLib.training.manifest import read_manifest
from VertebraFLTLib.training.prefetch import batches
from VertebraFLTLib.training.publish import publish
from VertebraFLTLib.training.records import Records
from VertebraFLTLib.training.schedule import Rates, optimizer_for
from VertebraFLTLib.training.stages import SHARED, VOLUME, Stage, new_network, samplers, stages
from VertebraFLTLib.training.validation import dice_scores

log = logging.getLogger(__name__)

_ROW_EVERY = 25  # steps, whose mean loss is a row of the log


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
    its data or the checkpoint has wrong.
    """
    config = config.for_fold(fold)
    manifest = read_manifest(config.data.manifest) if config.data.manifest else None
    if fold is not None and manifest is None:
        raise InputError(f"{config.path}: --fold needs [data] manifest, which says what belongs to a fold")
    if not config.data.phantoms and manifest and not manifest.split(fold)[0]:
        raise InputError(f"{manifest.path}: no case is left to train on; give more of them the role train")
    if manifest:
        manifest.split(fold)
    settings = {
        **config.settings(),
        "run": {
            "fold": fold,
            "cases": [c.name for c in manifest.split(fold)[0]] if manifest else [],
            "start": config.start.name if config.start else None,
        },
    }
    if resume:
        state = load_state(config.out, settings)
    elif (config.out / FILE).exists():
        raise InputError(f"{config.out}: holds a training run already; go on with --resume, or give another 'out'")
    else:
        state = RunState(settings)
    torch.set_num_threads(config.schedule.threads)
    torch.manual_seed(config.schedule.seed)
    fabric = _fabric(choose_device(device), config)
    network = new_network(config.network)
    if config.start and not resume:
        _start_from(network, config)
    cases, validation = load_cases(config.data, manifest, fold, config.network)
    config.out.mkdir(parents=True, exist_ok=True)
    if not state.shared:
        state.shared = _copy(network.state_dict())
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
        publish(config, config.out, manifest, fold)
    return config.out


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
            _own_start(network, config, stage)
            state.stage, state.step = stage.name, 0
            state.best_dice, state.best_step, state.without_better = -1.0, 0, 0
            state.network, state.optimizer, state.rates, state.recent = {}, {}, {}, []
        _Fit(fabric, network, stage, config, state, records, progress).run(cases, validation)
        state.done_stages.append(stage.name)
        if stage.name == SHARED:
            fabric.barrier()  # process 0 has written what the others read
            if config.schedule.keep == "best":
                _load(network, config.out / f"{SHARED}.safetensors")
            state.shared = _copy(network.state_dict())
        if fabric.is_global_zero:
            save_state(state, config.out)


def _fabric(device: torch.device, config: TrainConfig) -> Fabric:
    """One process, or as many as torchrun started."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    # The 3-D network's coarse outputs have weights that nothing reaches without deep supervision.
    idle = config.network.kind == "unet3d" and not config.loss.deep
    ddp = "ddp_find_unused_parameters_true" if idle else "ddp"
    fabric = Fabric(
        accelerator="cuda" if device.type == "cuda" else "cpu",
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        strategy=ddp if world > 1 else "auto",
        precision=config.schedule.precision,
    )
    fabric.launch()
    return fabric


def _start_from(network: torch.nn.Module, config: TrainConfig) -> None:
    folder, schedule = config.start, config.schedule
    assert folder is not None
    for name in (VOLUME, SHARED):
        if (folder / f"{name}.safetensors").exists():
            _load(network, folder / f"{name}.safetensors")
            return
    own = config.network.kind == "unet2d" and not schedule.shared_steps
    if own and all((folder / f"{view}.safetensors").exists() for view in schedule.views):
        return  # each view goes on from its own
    raise InputError(f"{folder}: 'start' holds neither {VOLUME}.safetensors nor {SHARED}.safetensors")


def _own_start(network: torch.nn.Module, config: TrainConfig, stage: Stage) -> None:
    """A view may go on from its own earlier weights instead of the shared ones."""
    own = config.start / f"{stage.name}.safetensors" if config.start else None
    if own and stage.name not in (VOLUME, SHARED) and own.exists() and not config.schedule.shared_steps:
        _load(network, own)


def _load(network: torch.nn.Module, path: Path) -> None:
    state = read_state(path)
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise InputError(f"{path}: these weights do not fit the config's [network] ({_short(error)})") from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _copy(state: dict[str, Any]) -> dict[str, Any]:
    return {k: v.detach().cpu().clone() for k, v in state.items()}


class _Fit:
    """One stage: from ``state.step`` to its end."""

    def __init__(
        self,
        fabric: Fabric,
        network: torch.nn.Module,
        stage: Stage,
        config: TrainConfig,
        state: RunState,
        records: Records | None,
        progress: Progress,
    ) -> None:
        self.fabric, self.plain, self.stage, self.config = fabric, network, stage, config
        self.state, self.records, self.progress = state, records, progress
        if state.network:
            network.load_state_dict(state.network)
        optimizer = optimizer_for(network, config.schedule, stage.learning_rate)
        if state.optimizer:
            optimizer.load_state_dict(state.optimizer)
        self.rates = Rates(optimizer, config.schedule, stage.learning_rate, stage.steps)
        if state.rates:
            self.rates.load_state_dict(state.rates)
        self.network, self.optimizer = fabric.setup(network, optimizer)
        self.loss_of = fabric.to_device(SegmentationLoss(config.loss))
        self.deep = stage.name == VOLUME and bool(config.loss.deep)

    def run(self, cases: list[TrainingCase], validation: list[TrainingCase]) -> None:
        stage, schedule, state = self.stage, self.config.schedule, self.state
        sources = samplers(stage, self.config, cases)
        began, first, recent = time.perf_counter(), state.step, state.recent
        if not state.step:
            self._checkpoint()  # so that there is one to resume from whenever the run is cut off
        rank, world = self.fabric.global_rank, self.fabric.world_size
        for step, (image, label) in batches(sources, state.step, stage.steps, schedule.batch, rank, world):
            loss = self._step(image, label)
            state.step = step + 1
            recent.append(float(loss))
            self.progress(f"train {stage.name}", state.step / stage.steps)
            if state.step % _ROW_EVERY == 0:
                if self.records:
                    each = (time.perf_counter() - began) / (state.step - first)
                    self.records.add(stage.name, state.step, {"loss": float(np.mean(recent)), "rate": self.rates.now})
                    log.info("%s %d/%d loss %.4f, %.2f s", stage.name, state.step, stage.steps, np.mean(recent), each)
                recent.clear()
            last = state.step == stage.steps
            if state.step % schedule.validate_every == 0 or last:
                last |= self._validate(validation)
            if state.step % schedule.checkpoint_every == 0 or last:
                self._checkpoint()
            if last:
                break

    def _step(self, image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        self.network.train()
        image, label = self.fabric.to_device((image, label))
        if image.ndim == 4:
            image = image.contiguous(memory_format=torch.channels_last)
        logits = self.network(image, deep=True) if self.deep else self.network(image)
        loss = self.loss_of(logits, label)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.network, self.optimizer, max_norm=5.0, error_if_nonfinite=False)
        self.optimizer.step()
        self.rates.step()
        return loss.detach()

    def _validate(self, validation: list[TrainingCase]) -> bool:
        """Score, keep the weights when they are the best; true when it is time to stop.

        Without validation cases the last weights are kept. One process scores: each has batch statistics of its own,
        and all must come to the same decision.
        """
        state, stage = self.state, self.stage
        mean = float(self.fabric.broadcast(self._score(validation) if self.fabric.is_global_zero else 0.0))
        self.rates.validated(mean)
        better, keep_last = mean > state.best_dice, self.config.schedule.keep == "last"
        # Of equal ones the later weights are kept; but they are no progress that patience would wait for.
        if (better or mean == state.best_dice or keep_last) and self.fabric.is_global_zero:
            save_network(self.plain, self.config.out / f"{stage.name}.safetensors")
        state.without_better = 0 if better else state.without_better + 1
        if better:
            state.best_dice, state.best_step = mean, state.step
        patience = self.config.schedule.patience
        return bool(patience and state.without_better >= patience)

    def _score(self, validation: list[TrainingCase]) -> float:
        """The mean Dice over cases, views and structures; without cases the step, which is always better."""
        state, stage = self.state, self.stage
        scores: dict[str, float] = {}
        for view in stage.views:
            for case in validation:
                for label, dice in dice_scores(self.plain, case, view).items():
                    scores[f"dice/{case.name}/{view or 'volume'}/{label}"] = dice
        mean = float(np.mean(list(scores.values()))) if scores else float(state.step)
        if self.records and scores:
            self.records.add(stage.name, state.step, {**scores, "validation_dice": mean})
            log.info("%s %d validation %s", stage.name, state.step, {k: round(v, 4) for k, v in scores.items()})
        return mean

    def _checkpoint(self) -> None:
        state = self.state
        state.network, state.optimizer = _copy(self.plain.state_dict()), self.optimizer.state_dict()
        state.rates, state.scaler = self.rates.state_dict(), self.fabric.strategy.precision.state_dict()
        if self.fabric.is_global_zero:
            save_state(state, self.config.out)
