"""The moving average against torch's and against the formula of its warm-up."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bridle.errors import DialError
from bridle.regularizers.averaging import EMA


def courses(steps, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(3, 2, generator=generator, dtype=dtype) for _ in range(steps)]


def averaged(rule, course):
    state = rule.start({"w": course[0]})
    for weight in course[1:]:
        state = rule.update(state, {"w": weight})
    return rule.average(state)["w"]


def test_without_warm_up_it_is_torchs():
    """At a decay of 0.1 the warm-up, which begins at 2/11, never acts."""
    course = courses(30)
    net = nn.Linear(2, 3, bias=False, dtype=torch.float64)
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.1))
    for weight in course:
        with torch.no_grad():
            net.weight.copy_(weight)
        ema.update_parameters(net)
    torch.testing.assert_close(averaged(EMA(0.1), course), ema.module.weight.detach())


def test_the_warm_up_is_the_stated_one():
    course = courses(200)
    expected = course[0].numpy()
    for step, weight in enumerate(course[1:], 1):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.numpy()
    np.testing.assert_allclose(averaged(EMA(0.9), course).numpy(), expected, rtol=1e-12)


def test_the_weights_keep_their_names_in_order():
    weights = {"b.weight": torch.ones(2), "a": torch.zeros(1)}
    rule = EMA(0.9)
    state = rule.update(rule.start(weights), weights)
    assert list(rule.average(state)) == ["b.weight", "a"]
    assert int(state["steps"]) == 1


def test_a_weight_called_steps_is_no_trouble():
    weights = {"steps": torch.full((2,), 3.0)}
    rule = EMA(0.9)
    torch.testing.assert_close(rule.average(rule.update(rule.start(weights), weights)), weights)


def test_it_asks_for_no_gradient():
    weights = {"w": torch.ones(2, requires_grad=True)}
    rule = EMA(0.9)
    state = rule.update(rule.start(weights), weights)
    assert not rule.average(state)["w"].requires_grad


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_of_one_never_moves(decay):
    with pytest.raises(DialError, match=r"EMA.decay must lie in \[0, 1\); got"):
        EMA(decay)
