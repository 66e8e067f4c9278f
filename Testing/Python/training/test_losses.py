"""The losses against equations worked by hand and definitions worked by brute force; blind to ignored voxels."""

import itertools
import math

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss

from VertebraFLTLib.training.cases import DISC, IGNORED
from VertebraFLTLib.training.config import LOSSES, LossConfig
from VertebraFLTLib.training.losses import SegmentationLoss, lovasz_softmax

WEIGHTS = (0.1, 0.3, 0.3, 0.3, 0.3)
SPACES = [(6, 8), (4, 6, 8)]


def loss_of(name, **settings):
    return SegmentationLoss(LossConfig(name=name, class_weights=WEIGHTS, **settings))


def drawn(space, batch=2, seed=0):
    torch.manual_seed(seed)
    return torch.randn(batch, 5, *space), torch.randint(0, 5, (batch, *space))


def test_cross_entropy_of_two_pixels_by_hand():
    # Probabilities 0.5 for the right class; one background pixel (weight 0.1), one body (0.3): equation 15.
    logits = torch.full((1, 5, 1, 2), -50.0)
    logits[0, 0:2] = 0.0
    logits[0, 0, 0, 1] = math.log(3)  # the body pixel: 1/4 for body, 3/4 for background
    labels = torch.tensor([[[0, 1]]])
    expected = (0.1 * math.log(2) + 0.3 * math.log(4)) / (0.1 + 0.3)
    assert float(loss_of("cross_entropy")(logits, labels)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("space", SPACES)
def test_without_ignored_voxels_dice_is_the_usual_one(space):
    logits, labels = drawn(space)
    usual = DiceLoss(include_background=False, softmax=True, to_onehot_y=True, batch=True)(logits, labels[:, None])
    assert float(loss_of("dice")(logits, labels)) == pytest.approx(float(usual), rel=1e-5)
    both = float(loss_of("cross_entropy")(logits, labels) + usual)
    assert float(loss_of("dice_ce")(logits, labels)) == pytest.approx(both, rel=1e-5)


@pytest.mark.parametrize("space", SPACES)
def test_focal_with_gamma_0_is_weighted_cross_entropy(space):
    logits, labels = drawn(space)
    labels[0, :2] = IGNORED
    expected = float(loss_of("cross_entropy")(logits, labels))
    assert float(loss_of("focal", focal_gamma=0.0)(logits, labels)) == pytest.approx(expected, rel=1e-5)


def test_focal_by_hand():
    logits = torch.full((1, 5, 1, 2), -50.0)
    logits[0, 0:2] = 0.0
    logits[0, 0, 0, 1] = math.log(3)
    expected = (0.1 * 0.5**2 * math.log(2) + 0.3 * 0.75**2 * math.log(4)) / 0.4
    assert float(loss_of("focal")(logits, torch.tensor([[[0, 1]]]))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("seed", range(4))
def test_lovasz_of_hard_predictions_is_the_mean_jaccard_loss(space, seed):
    _, labels = drawn(space, seed=seed)
    labels[labels == 2] = 0  # a class that is predicted but not there does not count
    found = torch.randint(0, 5, labels.shape)
    found = torch.where(torch.rand(labels.shape) < 0.6, labels, found)
    labels[:, 1] = IGNORED
    logits = 100.0 * torch.nn.functional.one_hot(found, 5).movedim(-1, 1).float()
    scored = labels != IGNORED
    losses = []
    for label in (0, 1, 3, 4):
        truth, mine = (labels == label)[scored], (found == label)[scored]
        losses.append(1 - float((truth & mine).sum()) / float((truth | mine).sum()))
    assert float(lovasz_softmax(logits, labels)) == pytest.approx(np.mean(losses), abs=1e-5)


def jaccard_loss(truth, wrong):
    """The set function: 1 - IoU of a class when the voxels ``wrong`` are mispredicted."""
    positive = {n for n, t in enumerate(truth) if t}
    return 1 - len(positive - wrong) / len(positive | wrong)


@pytest.mark.parametrize("seed", range(4))
def test_lovasz_is_the_extension_of_the_set_function(seed):
    # Of a submodular function it is the largest value over all orders in which voxels may join the wrong ones.
    logits, _ = drawn((5, 1), batch=1, seed=seed)
    labels = torch.tensor([[[0], [1], [1], [3], [0]]])
    probability = logits.softmax(1)[0, :, :, 0].double().numpy()
    losses = []
    for label in (0, 1, 3):
        truth = labels.flatten().numpy() == label
        errors = np.abs(truth - probability[label])
        values = []
        for order in itertools.permutations(range(5)):
            steps = [jaccard_loss(truth, set(order[: n + 1])) - jaccard_loss(truth, set(order[:n])) for n in range(5)]
            values.append(sum(errors[v] * s for v, s in zip(order, steps, strict=True)))
        losses.append(max(values))
    assert float(loss_of("lovasz")(logits, labels)) == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", LOSSES)
def test_ignored_voxels_change_nothing_and_have_no_gradient(name, space):
    logits, labels = drawn(space)
    expected = loss_of(name)(logits[:, :, 2:], labels[:, 2:])  # the same as without them
    labels[:, :2] = IGNORED
    logits.requires_grad_()
    loss = loss_of(name)(logits, labels)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-5)
    assert not logits.grad[:, :, :2].any() and logits.grad[:, :, 2:].any()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_without_a_scored_voxel_gives_nothing(name, space):
    logits, labels = drawn(space)
    logits.requires_grad_()
    loss = loss_of(name)(logits, torch.full_like(labels, IGNORED))
    loss.backward()
    assert float(loss.detach()) == 0 and not logits.grad.any()


@pytest.mark.parametrize("name", LOSSES)
def test_a_better_answer_costs_less(name):
    _, labels = drawn((4, 4, 4))
    right = torch.nn.functional.one_hot(labels, 5).movedim(-1, 1).float()
    values = [float(loss_of(name)(sure * right, labels)) for sure in (0.0, 1.0, 4.0, 30.0)]
    assert values == sorted(values, reverse=True) and values[-1] < 0.01


@pytest.mark.parametrize("deep", [(), (0.3, 0.15)])
def test_deep_supervision_is_a_weighted_mean(deep):
    torch.manual_seed(0)
    blocks = torch.randint(0, 5, (2, 2, 3, 2))
    labels = blocks
    for axis in (1, 2, 3):
        labels = labels.repeat_interleave(4, dim=axis)
    half = blocks.repeat_interleave(2, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    logits = [torch.randn(2, 5, *y.shape[1:]) for y in (labels, half, blocks)]
    one = loss_of("dice_ce")
    each = [float(one(x, y)) for x, y in zip(logits, (labels, half, blocks), strict=True)]
    found = float(loss_of("dice_ce", deep=deep)(logits, labels))
    expected = (each[0] + 0.3 * each[1] + 0.15 * each[2]) / 1.45 if deep else each[0]
    assert found == pytest.approx(expected, rel=1e-5)


def test_half_precision_logits_are_computed_in_full():
    logits, labels = drawn((8, 8))
    half = logits.bfloat16()
    for name in LOSSES:
        assert loss_of(name)(half, labels).dtype == torch.float32
        assert float(loss_of(name)(half, labels)) == float(loss_of(name)(half.float(), labels))


def test_discs_are_background_that_counts_more():
    """Two voxels with the same wrong answer, one of them in a disc: worked by hand."""
    logits = torch.zeros(1, 5, 1, 3)
    logits[:, 1] = 2.0  # all three are taken for bone
    labels = torch.tensor([[[0, DISC, 1]]])
    wrong = -float(torch.log_softmax(logits[0, :, 0, 0], 0)[0])
    right = -float(torch.log_softmax(logits[0, :, 0, 2], 0)[1])
    expected = (0.1 * wrong + 6 * 0.1 * wrong + 0.3 * right) / (0.1 + 6 * 0.1 + 0.3)
    for gap_weight, value in ((6.0, expected), (1.0, (0.2 * wrong + 0.3 * right) / 0.5)):
        loss = SegmentationLoss(LossConfig(name="cross_entropy", gap_weight=gap_weight))
        assert float(loss(logits, labels)) == pytest.approx(value, rel=1e-5)
    for name in ("dice", "lovasz", "focal", "dice_ce"):
        loss = SegmentationLoss(LossConfig(name=name))
        assert float(loss(logits, labels)) == pytest.approx(float(loss(logits, labels.where(labels != DISC, 0))))
