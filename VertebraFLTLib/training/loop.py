"""The training loop: one network on all planes, then one per plane from it; the best on validation is kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.segmentation.device import choose_device
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape, channels_last
from VertebraFLTLib.segmentation.views import stack_probabilities
from VertebraFLTLib.segmentation.weights import save_network
from VertebraFLTLib.training.cases import IGNORED, TrainingCase, case_files, load_cases
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.losses import DiceAndCrossEntropy
from VertebraFLTLib.training.publish import publish
from VertebraFLTLib.training.sampling import PatchSampler

log = logging.getLogger(__name__)


@dataclass
class _Best:
    dice: float = -1.0
    step: int = 0


def train(config: TrainConfig, device: str = "auto", start: Path | None = None, progress: Progress = silent) -> None:
    """Train as ``config`` says; ``config.out`` then is a model folder (for ``--model-folder``) with its manifest.

    start: a folder of earlier weights to go on from, instead of from random ones.
    """
    for file in case_files(config.data):
        if not file.exists():
            raise InputError(f"{file}: not found; check [data] root and names in the training config")
    torch.set_num_threads(config.schedule.threads)
    torch.manual_seed(config.schedule.seed)
    where = choose_device(device)
    config.out.mkdir(parents=True, exist_ok=True)
    cases, validation = load_cases(config.data, config.network)
    shape = UNetShape(5, config.network.width, config.network.depth, config.network.context)
    views = config.schedule.views

    network = UNet2d(shape)
    first = start / "shared.safetensors" if start else None
    if first and first.exists():
        _load_into(network, first)
    network = channels_last(network.to(where))
    if config.schedule.shared_steps:
        samplers = [PatchSampler(cases, v, shape.context, config.schedule.seed + i) for i, v in enumerate(views)]
        _fit(network, samplers, config, config.schedule.shared_steps, "shared", validation, progress)
    shared = {k: v.clone() for k, v in network.state_dict().items()}
    for i, view in enumerate(views):
        network.load_state_dict(shared)
        own = start / f"{view}.safetensors" if start else None
        if own and own.exists():
            _load_into(network, own)
        sampler = PatchSampler(cases, view, shape.context, config.schedule.seed + 100 + i)
        _fit(network, [sampler], config, config.schedule.view_steps, view, validation, progress)
    halves = {view: [0.5] * (shape.classes - 1) for view in views}
    publish(config, config.out, name=config.out.name, combine="average", thresholds=halves, card={})


def _load_into(network: UNet2d, path: Path) -> None:
    from safetensors.torch import load_file

    network.load_state_dict({k: v.float() for k, v in load_file(path).items()}, strict=False)


def _fit(
    network: UNet2d,
    samplers: list[PatchSampler],
    config: TrainConfig,
    steps: int,
    name: str,
    validation: list[TrainingCase],
    progress: Progress,
) -> None:
    schedule, device = config.schedule, next(network.parameters()).device
    rate = schedule.learning_rate if name == "shared" else schedule.learning_rate / 2
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=max(steps, 2), pct_start=0.08)
    loss_of = DiceAndCrossEntropy(schedule.class_weights).to(device)
    best, began, recent = _Best(), time.perf_counter(), []
    for step, (image, label) in enumerate(_batches(samplers, schedule.batch, steps), start=1):
        network.train()
        loss = loss_of(network(image.to(device, memory_format=torch.channels_last)), label.to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        rates.step()
        recent.append(float(loss.detach()))
        progress(f"train {name}", step / steps)
        if step % 25 == 0:
            each = (time.perf_counter() - began) / step
            log.info("%s step %d/%d loss %.4f, %.2f s a step", name, step, steps, np.mean(recent), each)
            recent.clear()
        if step % schedule.validate_every == 0 or step == steps:
            dices = []
            for view in [s.view for s in samplers]:
                scores = {c.name: dice_scores(network, c, view) for c in validation}
                log.info("%s step %d %s validation %s", name, step, view, scores)
                dices += [d for s in scores.values() for d in s.values()]
            mean = float(np.mean(dices)) if dices else float(step)  # without validation cases the last one is kept
            if mean >= best.dice:
                best = _Best(mean, step)
                save_network(network, config.out / f"{name}.safetensors")
    log.info("%s: best validation Dice %.4f at step %d", name, best.dice, best.step)


def _batches(samplers: list[PatchSampler], size: int, steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for step in range(steps):
        yield samplers[step % len(samplers)].batch(size)


def dice_scores(network: UNet2d, case: TrainingCase, view: str) -> dict[int, float]:
    """Dice per structure present in the case, whole volume, native sampling, one view, threshold 0.5."""
    network.eval()
    volume = case.samplings[0].astype(np.float32)
    probability = stack_probabilities(network, volume, view)
    scored = case.labels != IGNORED
    scores = {}
    for label in sorted(set(np.unique(case.labels)) - {0, IGNORED}):
        found, truth = (probability[label - 1] >= 128) & scored, case.labels == label
        scores[int(label)] = round(2 * float((found & truth).sum()) / float(found.sum() + truth.sum()), 4)
    return scores
