"""How far an optimizer moves a weight per unit of constant gradient, against measuring it."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, RMSprop

from bridle.engine.movement import movement
from bridle.errors import RecipeError

MAKERS = {
    "sgd": lambda w: SGD(w, 0.1),
    "momentum": lambda w: SGD(w, 0.1, momentum=0.9),
    "dampening": lambda w: SGD(w, 0.1, momentum=0.9, dampening=0.4),
    "dampening without momentum": lambda w: SGD(w, 0.1, dampening=0.4),
    "nesterov": lambda w: SGD(w, 0.1, momentum=0.9, nesterov=True),
    "adam": lambda w: Adam(w, 0.1),
    "adamw": lambda w: AdamW(w, 0.1, weight_decay=0.0),
    "adam, eps": lambda w: Adam(w, 0.1, eps=0.3),
    "adam, fused": lambda w: Adam(w, 0.1, fused=True),
}


@pytest.mark.parametrize("name", MAKERS)
def test_movement_is_the_measured_one(name):
    gradient = torch.tensor([[0.5, -2.0], [1e-3, 30.0]], dtype=torch.float64)
    weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.float64))
    optimizer = MAKERS[name]([weight])
    for _ in range(400):
        before = weight.detach().clone()
        weight.grad = gradient.clone()
        optimizer.step()
    measured = (before - weight.detach()) / gradient
    found = movement(optimizer, optimizer.param_groups[0], weight)
    torch.testing.assert_close(torch.as_tensor(found, dtype=torch.float64).expand(2, 2), measured, rtol=1e-9, atol=0)


def test_the_first_step_of_adam_is_corrected():
    """At the first step the uncorrected second moment is 1,000 times too small."""
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Adam([weight], 0.1)
    weight.grad = torch.tensor([4.0], dtype=torch.float64)
    optimizer.step()
    found = movement(optimizer, optimizer.param_groups[0], weight)
    torch.testing.assert_close(found, torch.tensor([0.1 / 4.0], dtype=torch.float64))


def test_a_weight_that_never_had_a_gradient_moves_finitely():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = Adam([weight], 0.1)
    weight.grad = torch.zeros(1)
    optimizer.step()
    found = movement(optimizer, optimizer.param_groups[0], weight)
    assert isinstance(found, torch.Tensor)
    assert found.isfinite().all()


def test_an_optimizer_without_a_known_metric_is_refused():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = RMSprop([weight], 0.1)
    with pytest.raises(RecipeError, match=r"none is known for RMSprop\. Use SGD, Adam or AdamW\."):
        movement(optimizer, optimizer.param_groups[0], weight)
