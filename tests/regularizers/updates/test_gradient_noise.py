"""Noise on the gradient: its distribution against scipy, its schedule against the paper's formula."""

import pytest
import scipy.stats
import torch

from bridle.core import Draws, Update
from bridle.errors import DialError
from bridle.regularizers.updates import GradientNoise


def noise(rule, draws, *sizes):
    """What is added to gradients of ones."""
    weights = [torch.zeros(size, dtype=torch.float64) for size in sizes]
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    names = [str(place) for place in range(len(weights))]
    next(rule.around(weights, Update(names, [0.1] * len(names), draws, lambda: None)))
    assert all(torch.equal(weight, torch.zeros_like(weight)) for weight in weights)
    return [weight.grad - 1 for weight in weights]


@pytest.mark.parametrize("step", [0, 1, 999])
def test_it_is_normal_with_the_papers_variance(step):
    (found,) = noise(GradientNoise(0.3), Draws(0, 0, step), 20_000)
    deviation = (0.3 / (1 + step) ** 0.55) ** 0.5
    assert scipy.stats.kstest(found.numpy() / deviation, "norm").pvalue > 0.001


def test_the_decay_may_be_another():
    (early,), (late,) = (noise(GradientNoise(0.3, decay=1.0), Draws(0, 0, step), 20_000) for step in (0, 99))
    assert float(early.std() / late.std()) == pytest.approx(10, rel=0.03)


def test_each_weight_step_and_label_has_noise_of_its_own():
    draws = Draws(0, 0, 3)
    one, other = noise(GradientNoise(0.3), draws, 50, 50)
    assert not torch.equal(one, other)
    assert torch.equal(one, noise(GradientNoise(0.3), draws, 50)[0])
    assert not torch.equal(one, noise(GradientNoise(0.3, label="mine"), draws, 50)[0])


def test_what_is_refused():
    with pytest.raises(DialError, match=r"GradientNoise.strength must lie in \[0, inf\); got -1"):
        GradientNoise(-1)
    with pytest.raises(DialError, match=r"GradientNoise.decay must lie in \[0, inf\); got -0.5"):
        GradientNoise(1, decay=-0.5)
