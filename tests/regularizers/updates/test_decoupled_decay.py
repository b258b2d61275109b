"""Decoupled decay against torch's AdamW."""

import copy

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from bridle.core import Draws, Recipe
from bridle.core.draws import seeded
from bridle.engine.updates import Updates
from bridle.errors import DialError
from bridle.regularizers.updates import DecoupledDecay
from bridle.testing import material

X = material.normal("decay inputs", 20, 5, device=torch.device("cpu"))


def train(net, optimizer, recipe, steps=50):
    updates = Updates(net, optimizer, recipe)
    scheduler = CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        optimizer.zero_grad()
        net(X).square().sum().backward()
        updates.before(Draws(0, 0, step), step / steps, lambda: None)
        optimizer.step()
        updates.after()
        scheduler.step()
        yield [weight.detach().clone() for weight in net.parameters()]


def test_every_step_is_adamws_bit_for_bit():
    with seeded("decay"):
        ours = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    theirs = copy.deepcopy(ours)
    settings = {"lr": 0.03, "foreach": False}
    mine = train(ours, AdamW(ours.parameters(), weight_decay=0.0, **settings), Recipe(DecoupledDecay(0.3, scope="all")))
    plain = train(theirs, AdamW(theirs.parameters(), weight_decay=0.3, **settings), Recipe())
    for found, expected in zip(mine, plain, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_without_a_gradient_it_shrinks_by_rate_times_strength():
    net = nn.Linear(5, 1, bias=False).double()
    start = net.weight.detach().clone()
    optimizer = SGD(net.parameters(), 0.5)
    updates = Updates(net, optimizer, Recipe(DecoupledDecay(0.2)))
    for step in range(3):
        net.weight.grad = torch.zeros_like(net.weight)
        updates.before(Draws(0, 0, step), 0.0, lambda: None)
        optimizer.step()
        updates.after()
    torch.testing.assert_close(net.weight.detach(), start * 0.9**3)


def test_what_is_refused():
    with pytest.raises(DialError, match=r"DecoupledDecay.strength must lie in \[0, inf\); got -1"):
        DecoupledDecay(-1)
