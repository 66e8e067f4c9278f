"""Training losses: weighted cross-entropy (thesis eq. 15), focal, soft Dice, Lovász-softmax, Dice + cross-entropy."""

from __future__ import annotations

import torch
from monai.losses import FocalLoss, MaskedDiceLoss
from torch.nn.functional import cross_entropy, interpolate

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.training.cases import DISC, IGNORED
from VertebraFLTLib.training.config import LossConfig

DISC_CLASS = 1 + len(STRUCTURES)


class SegmentationLoss(torch.nn.Module):
    """Logits (n, classes, *space) against labels (n, *space), in 2-D or 3-D; ``IGNORED`` voxels do not count,
    ``DISC`` ones are background that the cross-entropy and the focal loss may give more weight; logits with one class
    more than structures and background name them.

    Given a list of logits, the further ones are at coarser resolutions and count with ``settings.deep`` (deep
    supervision); the sum is divided by the weights' total.
    """

    weights: torch.Tensor

    def __init__(self, settings: LossConfig) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("weights", torch.tensor(settings.class_weights), persistent=False)
        # Over the batch: a single patch often lacks a structure, and its Dice would be a coin toss.
        # It is given probabilities: some versions of MONAI mask logits, which the softmax then makes into a fifth each.
        self.dice = MaskedDiceLoss(include_background=False, to_onehot_y=True, batch=True)
        self.focal = FocalLoss(gamma=settings.focal_gamma, use_softmax=True, to_onehot_y=True, reduction="none")

    def forward(self, logits: torch.Tensor | list[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        if isinstance(logits, torch.Tensor):
            return self._one(logits.float(), labels)
        weights = (1.0, *self.settings.deep)
        total = self._one(logits[0].float(), labels)
        for weight, coarse in zip(weights[1:], logits[1:], strict=False):
            small = interpolate(labels[:, None].float(), size=coarse.shape[2:], mode="nearest-exact")[:, 0].long()
            total = total + weight * self._one(coarse.float(), small)
        return total / sum(weights[: len(logits)])

    def _one(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        name = self.settings.name
        disc = labels == DISC
        # A network that names discs has a class of its own for them; to others they are background.
        labels = torch.where(disc, DISC_CLASS if logits.shape[1] > DISC_CLASS else 0, labels)
        weight = self.weights[torch.where(disc | (labels == IGNORED), 0, labels)] * (labels != IGNORED)
        weight = weight * torch.where(disc, self.settings.gap_weight, 1.0)
        if name in ("cross_entropy", "dice_ce"):
            each = cross_entropy(logits, labels, ignore_index=IGNORED, reduction="none")
            loss = _weighted_mean(each, weight)
            return loss + self._dice(logits, labels) if name == "dice_ce" else loss
        if name == "dice":
            return self._dice(logits, labels)
        if name == "focal":
            known = torch.where(labels == IGNORED, 0, labels)
            # Class weights stand outside MONAI's focal loss, which has no ignored voxels.
            return _weighted_mean(self.focal(logits, known.unsqueeze(1)).sum(dim=1), weight)
        return lovasz_softmax(logits, labels)

    def _dice(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        scored = (labels != IGNORED).unsqueeze(1)
        return self.dice(logits.softmax(dim=1), torch.where(scored, labels.unsqueeze(1), 0), mask=scored)


def _weighted_mean(each: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """0, with a gradient of 0, where nothing has a weight."""
    return (each * weight).sum() / weight.sum().clamp_min(1e-8)


def lovasz_softmax(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The Lovász extension of the Jaccard loss, mean over the classes present (Berman, Triki, Blaschko: CVPR 2018).

    Errors of a class are sorted downwards; each counts by how much the Jaccard loss grows when it joins those before it
    (their algorithm 1). 0 where nothing is scored.
    """
    scored = (labels != IGNORED).flatten()
    truth = labels.flatten()[scored]
    probability = logits.softmax(dim=1).movedim(1, -1).reshape(-1, logits.shape[1])[scored]
    losses = []
    for label in range(logits.shape[1]):
        here = (truth == label).float()
        if not bool(here.any()):
            continue
        errors, order = (here - probability[:, label]).abs().sort(descending=True)
        losses.append(errors @ _jaccard_steps(here[order]))
    return torch.stack(losses).mean() if losses else logits.sum() * 0.0


def _jaccard_steps(truth: torch.Tensor) -> torch.Tensor:
    """How much 1 - IoU grows with each further error, the voxels ordered by error."""
    total = truth.sum()
    intersection = total - truth.cumsum(0)
    union = total + (1 - truth).cumsum(0)
    jaccard = 1 - intersection / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
