"""What is divided out of a loss, and the weight of the data loss in it."""

import pytest
import torch
from torch.nn.functional import cross_entropy, mse_loss

from bridle.auditing.losses import LossWeights, first_loss, root_factor


def test_constants_in_front_of_everything():
    weight = torch.ones(3, requires_grad=True)
    total = weight.square().sum() + weight.sum()
    assert root_factor(total) == 1.0
    assert root_factor(total / 4) == 0.25
    assert root_factor(2 * (total / 4) * torch.tensor(8.0)) == 4.0
    assert root_factor(total / 4 + total) == 1.0
    assert root_factor(total * total) == 1.0
    assert root_factor(total + 4) == 1.0
    assert root_factor(4.0) == 1.0


def test_a_constant_in_front_of_each_term():
    weight = torch.ones(3, requires_grad=True)
    data, penalty = weight.exp().sum(), weight.square().sum()
    assert root_factor(data / 4 + 0.1 * penalty / 4) == 0.25
    assert root_factor((data / 4 + 0.1 * penalty / 4 + weight.sum() / 4) / 2) == 0.125
    assert root_factor(data / 4 + 0.1 * penalty) == 1.0
    assert root_factor(torch.add(data / 4, penalty / 4, alpha=2)) == 1.0
    assert root_factor(sum(weight.square().sum() / 4 for _ in range(5000))) == 1.0  # it looks no deeper


@pytest.mark.parametrize(
    ("loss", "weight"),
    [
        (lambda out, goal: cross_entropy(out, goal), 1.0),
        (lambda out, goal: cross_entropy(out, goal) / 4, 0.25),
        (lambda out, goal: cross_entropy(out, goal, reduction="sum"), 6.0),
        (lambda out, goal: cross_entropy(out, goal, reduction="none").mean(), 1.0),
        (lambda out, _: mse_loss(out, torch.zeros_like(out)) * 3, 3.0),
    ],
)
def test_the_weight_of_the_mean_data_loss(loss, weight):
    found, out = [], torch.randn(6, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    with LossWeights(found):
        loss(out, torch.arange(6) % 3).backward()
    assert [float(value) for value in found] == [pytest.approx(weight)]


def test_the_first_tensor_is_the_loss():
    one = torch.ones(())
    assert first_loss(one) is one
    assert first_loss((one, torch.zeros(()))) is one
    assert first_loss(()) is None
