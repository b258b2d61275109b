"""Fused steps of many members against torch's own optimizers, one member at a time."""

import itertools

import pytest
import torch
from torch.optim import SGD, AdamW

from bridle.population.optimize import Rate, adamw, runs, sgd
from bridle.population.stack import aligned

SHAPES = {"a": (5, 3), "b": (7,), "c": (64,)}


@pytest.fixture
def numbers():
    def make(count, seed):
        source = torch.Generator().manual_seed(seed)
        return {
            name: torch.randn(count, *shape, generator=source, dtype=torch.float64) for name, shape in SHAPES.items()
        }

    return make


def flat(tensors):
    return {name: aligned(tensor) for name, tensor in tensors.items()}


def zeros(tensors):
    """A state of the optimizers before the first step."""
    parts = ("exp_avg", "exp_avg_sq", "momentum_buffer")
    return {part: flat({name: torch.zeros_like(value) for name, value in tensors.items()}) for part in parts}


def test_runs_are_slices_of_equal_rates():
    one, two = Rate(0.1, 0.0, 0.0, 1), Rate(0.2, 0.0, 0.0, 1)
    assert list(runs([one, one, two, one])) == [(0, 2, one), (2, 3, two), (3, 4, one)]
    assert list(runs([two])) == [(0, 1, two)]


RATES = [(0.1, 0.01), (0.1, 0.01), (0.02, 0.0), (0.5, 0.3)]


@pytest.mark.parametrize("kind", ["adamw", "sgd", "plain"])
def test_a_member_moves_as_with_its_own_optimizer(kind, numbers):
    start = numbers(len(RATES), 0)
    stacks, state = flat(start), zeros(start)
    alone = [{name: value[row].clone().requires_grad_() for name, value in start.items()} for row in range(len(RATES))]
    momentum = 0.9 if kind == "sgd" else 0.0
    optimizers = [
        AdamW(one.values(), lr=rate, weight_decay=decay)
        if kind == "adamw"
        else SGD(one.values(), lr=rate, momentum=momentum)
        for one, (rate, decay) in zip(alone, RATES, strict=True)
    ]
    for step in range(1, 6):
        slopes = numbers(len(RATES), step)
        given = [Rate(rate, decay, momentum, step) for rate, decay in RATES]
        (adamw if kind == "adamw" else sgd)(stacks, flat(slopes), state, given)
        for row, (one, optimizer) in enumerate(zip(alone, optimizers, strict=True)):
            for name, weight in one.items():
                weight.grad = slopes[name][row].clone()
            optimizer.step()
    for (row, one), name in itertools.product(enumerate(alone), SHAPES):
        found = stacks[name][row, : one[name].numel()].view(SHAPES[name])
        torch.testing.assert_close(found, one[name].detach(), rtol=1e-12, atol=1e-12)


def test_a_weight_without_a_gradient_stays(numbers):
    stacks, slopes = flat(numbers(2, 0)), flat(numbers(2, 1))
    before, state = stacks["b"].clone(), zeros(numbers(2, 0))
    del slopes["b"]
    adamw(stacks, slopes, state, [Rate(0.1, 0.1, 0.0, 1)] * 2)
    assert torch.equal(stacks["b"], before)
    assert not state["exp_avg"]["b"].any()
