"""Optimizers and learning rates, against torch's schedulers."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR

from bridle.core import Training
from bridle.engine.optimizers import build, learning_rate, set_learning_rate

STEPS = 40


@pytest.mark.parametrize(
    ("schedule", "scheduler"),
    [
        ("constant", lambda optimizer: ConstantLR(optimizer, 1.0, 0)),
        ("linear", lambda optimizer: LinearLR(optimizer, 1.0, 0.0, STEPS)),
        ("cosine", lambda optimizer: CosineAnnealingLR(optimizer, STEPS)),
    ],
)
def test_the_schedule_is_torchs(schedule, scheduler):
    weight = nn.Parameter(torch.zeros(1))
    optimizer = SGD([weight], 0.3)
    following = scheduler(optimizer)
    settings = Training(learning_rate=0.3, schedule=schedule)
    for step in range(STEPS):
        assert learning_rate(settings, step, STEPS) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        following.step()


def test_warm_up_rises_evenly_from_above_zero_to_the_full_rate():
    settings = Training(learning_rate=1.0, schedule="constant", warmup=0.1)
    rates = [learning_rate(settings, step, STEPS) for step in range(6)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0.0, 0.03, 0.5, 0.99])
@pytest.mark.parametrize("steps", [1, 7, 40])
def test_a_rate_is_positive_and_never_above_its_highest(schedule, warmup, steps):
    settings = Training(learning_rate=0.3, schedule=schedule, warmup=warmup)
    rates = [learning_rate(settings, step, steps) for step in range(steps)]
    assert all(0 < rate <= 0.3 for rate in rates)


def test_builds_what_the_recipe_says_over_what_can_be_trained():
    weights = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3), requires_grad=False)]
    sgd = build(weights, Training(optimizer="sgd", learning_rate=0.2, momentum=0.7))
    assert isinstance(sgd, SGD)
    assert (sgd.defaults["lr"], sgd.defaults["momentum"], sgd.defaults["weight_decay"]) == (0.2, 0.7, 0)
    assert [len(weight) for weight in sgd.param_groups[0]["params"]] == [2]
    adamw = build(weights, Training(optimizer="adamw", weight_decay=0.4))
    assert isinstance(adamw, AdamW)
    assert adamw.defaults["weight_decay"] == 0.4
    set_learning_rate(adamw, 0.01)
    assert adamw.param_groups[0]["lr"] == 0.01


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("shape", ["transposed", "channels last"])
def test_the_fused_step_respects_the_layout_of_a_weight(name, shape):
    """The fused step walks through memory: weight, gradient and state must lie in it alike."""
    start = torch.arange(96, dtype=torch.float64).reshape(2, 3, 4, 4) / 96
    if shape == "transposed":
        laid = start.flatten(1).t().contiguous().t()
    else:
        laid = start.to(memory_format=torch.channels_last)
    plain, ours = nn.Parameter(start.clone().reshape(laid.shape)), nn.Parameter(laid)
    assert ours.stride() != plain.stride()
    torch_optimizer = SGD([plain], 0.1, momentum=0.9) if name == "sgd" else AdamW([plain], 0.1, weight_decay=0.0)
    optimizer = build([ours], Training(optimizer=name, learning_rate=0.1))
    for each, weight in ((torch_optimizer, plain), (optimizer, ours)):
        for _ in range(5):
            weight.grad = None
            (weight * weight.detach().sin()).square().sum().backward()
            each.step()
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-12)
