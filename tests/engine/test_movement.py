"""How far an optimizer moves a weight per unit of constant gradient, against measuring it."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, Muon, NAdam, RAdam, RMSprop

from bridle.engine.movement import metric
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
    "adam, amsgrad": lambda w: Adam(w, 0.1, amsgrad=True),
    "nadam": lambda w: NAdam(w, 0.1),
    "radam": lambda w: RAdam(w, 0.1),
    "rmsprop": lambda w: RMSprop(w, 0.1),
    "rmsprop, momentum": lambda w: RMSprop(w, 0.1, alpha=0.5, momentum=0.9),
    "rmsprop, centered": lambda w: RMSprop(w, 0.1, centered=True, eps=0.3),
    "adagrad": lambda w: Adagrad(w, 0.1, lr_decay=0.01),
    "adagrad, fused": lambda w: Adagrad(w, 0.1, fused=True),
    "adadelta": lambda w: Adadelta(w, 0.1),
}


def movement(optimizer, weight):
    state = optimizer.state[weight] | {"grad": weight.grad}
    return metric(optimizer)(optimizer.param_groups[0], state)


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
    found = movement(optimizer, weight)
    torch.testing.assert_close(torch.as_tensor(found, dtype=torch.float64).expand(2, 2), measured, rtol=1e-9, atol=0)


def test_the_first_step_of_adam_is_corrected():
    """At the first step the uncorrected second moment is 1,000 times too small."""
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Adam([weight], 0.1)
    weight.grad = torch.tensor([4.0], dtype=torch.float64)
    optimizer.step()
    found = movement(optimizer, weight)
    torch.testing.assert_close(found, torch.tensor([0.1 / 4.0], dtype=torch.float64))


def test_a_weight_that_never_had_a_gradient_moves_finitely():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = Adam([weight], 0.1)
    weight.grad = torch.zeros(1)
    optimizer.step()
    found = movement(optimizer, weight)
    assert isinstance(found, torch.Tensor)
    assert found.isfinite().all()


@pytest.mark.parametrize("name", ["adam", "nadam", "radam", "rmsprop", "adagrad", "adadelta", "sgd"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_without_a_warm_momentum_it_is_the_measured_one_from_the_first_step(name, steps):
    """These optimizers correct for what they have not seen yet."""
    gradient = torch.tensor([0.5, -2.0, 30.0], dtype=torch.float64)
    weight = nn.Parameter(torch.zeros(3, dtype=torch.float64))
    optimizer = MAKERS[name]([weight])
    for _ in range(steps):
        before = weight.detach().clone()
        weight.grad = gradient.clone()
        optimizer.step()
    found = torch.as_tensor(movement(optimizer, weight), dtype=torch.float64).expand(3)
    torch.testing.assert_close(found, (before - weight.detach()) / gradient, rtol=1e-9, atol=0)


def test_an_optimizer_without_a_known_metric_is_refused():
    optimizer = Muon([nn.Parameter(torch.zeros(2, 2))], 0.1)
    with pytest.raises(RecipeError, match=r"none is known for Muon\. Use Adadelta, .* SGD, or gradient_only = true"):
        metric(optimizer)


def test_a_subclass_counts_as_long_as_it_steps_alike():
    class Named(SGD):
        """Steps as SGD does."""

    class Own(SGD):
        def step(self, closure=None):
            """A step of its own."""

    weights = [nn.Parameter(torch.zeros(1))]
    assert metric(Named(weights, 0.1)) is metric(SGD(weights, 0.1))
    with pytest.raises(RecipeError, match="none is known for Own"):
        metric(Own(weights, 0.1))


def test_adadelta_with_a_decay_of_its_own_is_refused():
    with pytest.raises(RecipeError, match=r"its own weight_decay hides\. Set weight_decay=0 and declare bridle\.L2"):
        metric(Adadelta([nn.Parameter(torch.zeros(1))], weight_decay=0.1))
