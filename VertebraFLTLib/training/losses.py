"""The training loss: cross-entropy weighted by class (thesis eq. 15) plus soft Dice."""

from __future__ import annotations

import torch
from monai.losses import MaskedDiceLoss

from VertebraFLTLib.training.cases import IGNORED


class DiceAndCrossEntropy(torch.nn.Module):
    """Logits (n, classes, rows, columns) against labels (n, rows, columns); ``IGNORED`` pixels do not count."""

    def __init__(self, class_weights: tuple[float, ...]) -> None:
        super().__init__()
        self.cross_entropy = torch.nn.CrossEntropyLoss(torch.tensor(class_weights), ignore_index=IGNORED)
        # Over the batch: a single slice often lacks a structure, and its Dice would be a coin toss.
        self.dice = MaskedDiceLoss(include_background=False, softmax=True, to_onehot_y=True, batch=True)

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        scored = (labels != IGNORED).unsqueeze(1)
        known = torch.where(scored, labels.unsqueeze(1), 0)
        return self.cross_entropy(logits, labels) + self.dice(logits, known, mask=scored)
