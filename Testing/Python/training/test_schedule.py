"""Learning rates at the places where they are known, and the stages that they belong to."""

import math
from pathlib import Path

import pytest
import torch

from VertebraFLTLib.segmentation.network import UNet2d
from VertebraFLTLib.segmentation.network3d import VolumeNet
from VertebraFLTLib.training.config import DataConfig, NetworkConfig, ScheduleConfig, TrainConfig
from VertebraFLTLib.training.schedule import Rates, optimizer_for
from VertebraFLTLib.training.stages import new_network, samplers, stages


def made(peak=1.0, steps=100, **settings):
    schedule = ScheduleConfig(**settings)
    optimizer = optimizer_for(torch.nn.Linear(2, 2), schedule, 0.5)
    return optimizer, Rates(optimizer, schedule, peak, steps)


def curve(rates, optimizer, steps):
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        assert values[-1] == rates.now
        rates.step()
    return values


def test_adam_is_that_of_the_thesis_and_has_no_decay():
    adam, adamw = made(optimizer="adam")[0], made(optimizer="adamw", weight_decay=0.03)[0]
    assert type(adam) is torch.optim.Adam and type(adamw) is torch.optim.AdamW
    for optimizer, decay in ((adam, 0), (adamw, 0.03)):
        group = optimizer.param_groups[0]
        assert group["betas"] == (0.9, 0.999) and group["weight_decay"] == decay


def test_the_rate_warms_up_and_falls_as_a_cosine():
    optimizer, rates = made(peak=2.0, warmup_share=0.1)
    values = curve(rates, optimizer, 100)
    assert values[:10] == pytest.approx([0.2 * n for n in range(1, 11)])
    assert max(values) == 2.0 and values[10:] == sorted(values[10:], reverse=True)
    halfway = 2.0 * (0.01 + 0.99 * 0.5)
    assert values[55] == pytest.approx(halfway)
    assert values[-1] == pytest.approx(2.0 * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * 89 / 90))))
    assert rates.now == pytest.approx(0.02)  # a hundredth of the peak is left at the end


def test_a_constant_rate_is_constant_after_warming_up():
    optimizer, rates = made(rates="constant", warmup_share=0.0)
    assert set(curve(rates, optimizer, 50)) == {1.0}


def test_on_a_plateau_the_rate_falls_to_a_tenth():
    optimizer, rates = made(rates="plateau", warmup_share=0.0, plateau_patience=2)
    rates.step()
    seen = []
    for dice in (0.5, 0.5, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6):
        rates.validated(dice)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001])


def test_other_rules_do_not_listen_to_validation():
    _, rates = made(rates="cosine", plateau_patience=0)
    before = rates.now
    rates.validated(0.1)
    rates.validated(0.1)
    assert rates.now == before


def test_a_state_goes_on_where_it_was():
    settings = {"rates": "plateau", "warmup_share": 0.2, "plateau_patience": 1}
    optimizer, rates = made(**settings)
    curve(rates, optimizer, 30)
    rates.validated(0.5)
    rates.validated(0.5)
    other_optimizer, other = made(**settings)
    other.load_state_dict(rates.state_dict())
    assert curve(other, other_optimizer, 10) == curve(rates, optimizer, 10)
    other.validated(0.5)
    rates.validated(0.5)
    assert other.now == rates.now


def config(kind, **schedule):
    return TrainConfig(
        Path("out"),
        DataConfig(phantoms=(1,)),
        NetworkConfig(kind=kind, width=4, depth=1),
        ScheduleConfig(learning_rate=0.4, patch=(16, 16, 16), **schedule),
    )


def test_a_3d_network_has_one_stage():
    (stage,) = stages(config("unet3d", steps=7))
    assert (stage.name, stage.steps, stage.views, stage.learning_rate) == ("volume", 7, (None,), 0.4)
    assert isinstance(new_network(config("unet3d").network), VolumeNet)


def test_views_have_a_shared_stage_and_their_own_at_half_the_rate():
    both = stages(config("unet2d", views=("axial", "coronal"), shared_steps=5, view_steps=3))
    assert [(s.name, s.steps, s.views) for s in both] == [
        ("shared", 5, ("axial", "coronal")),
        ("axial", 3, ("axial",)),
        ("coronal", 3, ("coronal",)),
    ]
    assert [s.learning_rate for s in both] == [0.4, 0.2, 0.2]
    assert [s.name for s in stages(config("unet2d", shared_steps=0))] == ["axial", "sagittal", "coronal"]
    assert [s.name for s in stages(config("unet2d", view_steps=0))] == ["shared"]
    assert isinstance(new_network(config("unet2d").network), UNet2d)


def test_no_two_samplers_of_a_stage_draw_the_same(case):
    shared, axial, *_ = stages(config("unet2d", seed=5))
    found = samplers(shared, config("unet2d", seed=5), [case])
    assert [s.view for s in found] == ["axial", "sagittal", "coronal"]
    seeds = [s.seed for s in found] + [s.seed for s in samplers(axial, config("unet2d", seed=5), [case])]
    assert len(set(seeds)) == 4
