"""One stage of a training: steps, validations and checkpoints, from wherever the run stands to the stage's end."""

from __future__ import annotations

import logging
import math
import time

import numpy as np
import torch
from lightning_fabric import Fabric

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.segmentation.volume import VOLUME
from VertebraFLTLib.segmentation.weights import save_network
from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.checkpoint import RunState, copied, save_state
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.losses import SegmentationLoss
from VertebraFLTLib.training.prefetch import batches
from VertebraFLTLib.training.records import Records
from VertebraFLTLib.training.schedule import Rates, optimizer_for
from VertebraFLTLib.training.stages import Stage, samplers
from VertebraFLTLib.training.validation import dice_scores

log = logging.getLogger(__name__)

_ROW_EVERY = 25  # steps, whose mean loss is a row of the log


class Fit:
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
        """Raises InputError once the loss or its gradient is no longer a number."""
        if self._patience_is_used_up():
            return  # cut off between the checkpoint of an early stop and the end of the stage
        stage, schedule, state = self.stage, self.config.schedule, self.state
        sources = samplers(stage, self.config, cases, self.fabric.device)
        began, first, recent = time.perf_counter(), state.step, state.recent
        if not state.step:
            self._checkpoint()  # so that there is one to resume from whenever the run is cut off
        rank, world = self.fabric.global_rank, self.fabric.world_size
        for step, (image, label) in batches(sources, state.step, stage.steps, schedule.batch, rank, world):
            loss = self._step(image, label)
            state.step = step + 1
            recent.append(loss)
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
        if self.records and validation:
            log.info("%s: best validation Dice %.4f, at step %d", stage.name, state.best_dice, state.best_step)

    def _step(self, image: torch.Tensor, label: torch.Tensor) -> float:
        self.network.train()
        image, label = self.fabric.to_device((image, label))
        if image.ndim == 4:
            image = image.contiguous(memory_format=torch.channels_last)
        logits = self.network(image, deep=True) if self.deep else self.network(image)
        loss = self.loss_of(logits, label)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(self.network, self.optimizer, max_norm=5.0, error_if_nonfinite=False)
        value = float(loss.detach())
        # With 16-bit gradients the scaler skips such a step. The norm is of all processes: they end together.
        if self.config.schedule.precision != "16-mixed" and not (math.isfinite(value) and bool(norm.isfinite())):
            raise InputError(
                f"{self.config.path}: stage {self.stage.name}, step {self.state.step + 1}: the loss ({value:g}) or its "
                "gradient is no longer a number; lower [schedule] learning_rate and train anew, with another 'out'"
            )
        self.optimizer.step()
        self.rates.step()
        return value

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
        return self._patience_is_used_up()

    def _patience_is_used_up(self) -> bool:
        patience = self.config.schedule.patience
        return bool(patience and self.state.without_better >= patience)

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
        state.network, state.optimizer = copied(self.plain.state_dict()), self.optimizer.state_dict()
        state.rates, state.scaler = self.rates.state_dict(), self.fabric.strategy.precision.state_dict()
        if self.fabric.is_global_zero:
            save_state(state, self.config.out)
