"""Validation on whole volumes: the Dice that decides which weights are kept."""

from __future__ import annotations

import numpy as np
import torch

from VertebraFLTLib.segmentation.grid import normalised
from VertebraFLTLib.segmentation.network import UNet2d
from VertebraFLTLib.segmentation.network3d import VolumeNet
from VertebraFLTLib.segmentation.slabs import slab_probabilities
from VertebraFLTLib.segmentation.views import stack_probabilities
from VertebraFLTLib.training.cases import DISC, IGNORED, TrainingCase


def dice_scores(network: torch.nn.Module, case: TrainingCase, view: str | None) -> dict[int, float]:
    """Dice per structure present in the case, on the working grid at its native sampling, threshold 0.5.

    view: that of a 2-D network; None for a 3-D one.
    """
    network.eval()
    volume = normalised(case.hu.astype(np.float32))
    if isinstance(network, UNet2d):
        assert view is not None
        probability = stack_probabilities(network, volume, view)
    else:
        assert isinstance(network, VolumeNet)
        probability = slab_probabilities(network, volume)
    scored = case.labels != IGNORED
    scores = {}
    for label in sorted(int(v) for v in set(np.unique(case.labels)) - {0, DISC, IGNORED}):
        truth, found = case.labels == label, (probability[label - 1] >= 128) & scored
        scores[label] = 2 * float((truth & found).sum()) / float(truth.sum() + found.sum())
    return scores
