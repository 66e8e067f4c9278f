"""The loss against equation 15 worked by hand, and its blindness to ignored pixels."""

import math

import pytest
import torch
from monai.losses import DiceLoss

from VertebraFLTLib.training.cases import IGNORED
from VertebraFLTLib.training.losses import DiceAndCrossEntropy

WEIGHTS = (0.1, 0.3, 0.3, 0.3, 0.3)


def test_two_pixels_by_hand():
    # Probabilities 0.5 for the right class; one background pixel (weight 0.1), one body (0.3).
    logits = torch.full((1, 5, 1, 2), -50.0)
    logits[0, 0:2] = 0.0
    labels = torch.tensor([[[0, 1]]])
    expected = (0.1 * math.log(2) + 0.3 * math.log(2)) / (0.1 + 0.3)
    loss = DiceAndCrossEntropy(WEIGHTS)
    assert float(loss.cross_entropy(logits, labels)) == pytest.approx(expected, rel=1e-5)


def test_without_ignored_pixels_it_is_the_usual_dice():
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 5, 8, 8), torch.randint(0, 5, (3, 8, 8))
    loss = DiceAndCrossEntropy(WEIGHTS)
    usual = DiceLoss(include_background=False, softmax=True, to_onehot_y=True, batch=True)
    expected = loss.cross_entropy(logits, labels) + usual(logits, labels[:, None])
    assert float(loss(logits, labels)) == pytest.approx(float(expected), rel=1e-5)


def test_ignored_pixels_have_no_gradient():
    torch.manual_seed(0)
    logits = torch.randn(1, 5, 4, 4, requires_grad=True)
    labels = torch.randint(0, 5, (1, 4, 4))
    labels[0, 1] = IGNORED
    DiceAndCrossEntropy(WEIGHTS)(logits, labels).backward()
    assert not logits.grad[0, :, 1].any() and logits.grad[0, :, 0].any()
