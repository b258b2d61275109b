"""The optimizer's step alone gives the ledger that a step with its loss gives, and leaves nothing behind."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW
from torch.optim.optimizer import register_optimizer_step_pre_hook

from bridle.auditing.ledger import measure, named
from bridle.auditing.noted import Noted
from bridle.auditing.replay import Replay
from bridle.auditing.undo import Undo
from bridle.core import Recipe
from bridle.engine.attach import attach
from bridle.regularizers.penalties import L1, L2

RATE = 0.1


def stepping(make, **settings):
    """A model whose gradients are there, its optimizer about to step for the second time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
        inputs, targets = torch.randn(16, 6), torch.randint(3, (16,))
    optimizer = make(model.parameters(), RATE, **settings)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step() if _ == 0 else None
    return model, optimizer


def ledger_of(model, optimizer, **noted):
    with Undo(optimizer=optimizer) as undo:
        held = [weight for _, weight in named(model).values()]
        return measure(model, Replay(optimizer, held, Noted(**noted)), undo)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW], ids=lambda make: make.__name__)
def test_nothing_is_left(make):
    model, optimizer = stepping(make, weight_decay=0.1)
    calls = []
    optimizer.register_step_post_hook(lambda *_: calls.append("own"))
    everywhere = register_optimizer_step_pre_hook(lambda *_: calls.append("global"))
    before = copy.deepcopy([model.state_dict(), optimizer.state_dict(), [w.grad for w in model.parameters()]])
    ledger_of(model, optimizer)
    after = [model.state_dict(), optimizer.state_dict(), [w.grad for w in model.parameters()]]
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert calls == []
    optimizer.step()
    everywhere.remove()
    assert calls == ["global", "own"]


def test_decoupled_decay():
    model, optimizer = stepping(AdamW, weight_decay=0.3)
    ledger = ledger_of(model, optimizer)
    assert (ledger.form, ledger.noise, ledger.optimizer) == ("decoupled", 0.0, "AdamW")
    for entry in ledger.entries:
        assert entry.decay == pytest.approx(0.3, rel=1e-3)
        assert entry.parts["decay"].shrink == pytest.approx(0.3 * RATE, rel=1e-3)
        assert entry.used


def test_coupled_decay_in_the_unit_of_the_loss():
    model, optimizer = stepping(SGD, weight_decay=0.3)
    first = ledger_of(model, optimizer).entries[0]
    assert first.sources == {"optimizer": pytest.approx(0.3)}
    gradient, weight = model[0].weight.grad, model[0].weight.detach()
    torch.testing.assert_close(first.movement, float((RATE * (gradient + 0.3 * weight)).norm()), rtol=1e-5, atol=0)
    torch.testing.assert_close(first.parts["data"].size, float(RATE * gradient.norm()), rtol=1e-5, atol=0)
    doubled = ledger_of(model, optimizer, data_weights=[torch.tensor(2.0)], roots=[2.0], passes=1)
    assert (doubled.data_weight, doubled.root) == (2.0, 2.0)
    assert doubled.entries[0].strength == pytest.approx(0.15)
    unknown = ledger_of(model, optimizer, data_weights=[torch.tensor(2.0)], roots=[1.0, 1.0], passes=2)
    assert math.isnan(unknown.data_weight)


def test_clipping():
    model, optimizer = stepping(SGD)
    clipped = clip(model, 0.01)
    factor = float(model[0].weight.grad.norm() / clipped[model[0].weight][0].norm())
    for entry in ledger_of(model, optimizer, clipped=clipped).entries:
        assert entry.clip == pytest.approx(factor, rel=1e-4)
        assert entry.parts["clipping"].share == pytest.approx(1 - 1 / factor, rel=1e-3)
    assert all("clipping" not in entry.parts for entry in ledger_of(model, optimizer).entries)


def clip(model, bound):
    raw = {weight: weight.grad.clone() for weight in model.parameters()}
    nn.utils.clip_grad_norm_(model.parameters(), bound)
    return {weight: (gradient, weight.grad.clone()) for weight, gradient in raw.items()}


def penalized(model, strength, scale=1.0):
    """Adds the gradient of L2 on the first layer; gives what is to be noted of it."""
    weight = model[0].weight
    penalty = strength * weight.detach()
    weight.grad += penalty
    return {"penalties": {weight: penalty * scale}, "penalty_passes": {weight: 1}, "scale": scale, "passes": 1}


@pytest.mark.parametrize("scale", [1.0, 1024.0])
def test_a_penalty_in_the_loss(scale):
    model, optimizer = stepping(SGD)
    data = model[0].weight.grad.clone()
    noted = penalized(model, 0.3, scale)
    ledger = ledger_of(model, optimizer, data_weights=[torch.tensor(scale)], roots=[scale], **noted)
    first, other = ledger.entries[0], ledger.entries[2]
    assert (first.penalty, first.sources) == ("L2", {"loss": pytest.approx(0.3, rel=1e-5)})
    assert first.data_gradient == pytest.approx(float(data.norm()), rel=1e-5)
    assert first.parts["data"].size == pytest.approx(RATE * float(data.norm()), rel=1e-5)
    assert first.parts["penalty"].size == pytest.approx(RATE * 0.3 * first.size, rel=1e-5)
    assert first.parts["penalty"].fit == pytest.approx(1.0)
    assert (other.penalty, "penalty" in other.parts) == ("", False)
    assert (ledger.root, ledger.data_weight, ledger.penalty_passes) == (1.0, 1.0, 1)


def test_a_penalty_that_is_clipped():
    model, optimizer = stepping(SGD)
    noted = penalized(model, 0.3)
    whole = model[0].weight.grad.clone()
    first = ledger_of(model, optimizer, clipped=clip(model, 0.01), **noted).entries[0]
    factor = float(model[0].weight.grad.norm() / whole.norm())
    assert first.sources == {"loss": pytest.approx(0.3, rel=1e-5)}
    assert first.strength == pytest.approx(0.3 * factor, rel=1e-4)
    assert first.parts["penalty"].size == pytest.approx(RATE * 0.3 * factor * first.size, rel=1e-4)
    assert first.parts["data"].size == pytest.approx(
        RATE * factor * float((whole - 0.3 * model[0].weight.detach()).norm()), rel=1e-4
    )


def test_a_penalty_beside_the_optimizers_own():
    model, optimizer = stepping(Adam, weight_decay=0.2)
    first = ledger_of(model, optimizer, **penalized(model, 0.3)).entries[0]
    assert first.sources == {"loss": pytest.approx(0.3, rel=1e-5), "optimizer": pytest.approx(0.2)}
    assert first.strength == pytest.approx(0.5, rel=1e-5)


def test_a_recipe_of_bridle():
    model, optimizer = stepping(SGD)
    handle = attach(model, optimizer, Recipe(L1(0.02), L2(0.3)))
    before = handle.step
    first = ledger_of(model, optimizer).entries[0]
    assert first.sources == {"bridle": pytest.approx(0.3, rel=1e-4)}
    assert first.parts["proximal"].size > 0
    assert handle.step == before


def test_weights_without_gradient():
    model, optimizer = stepping(SGD, weight_decay=0.1)
    model[2].bias.grad = None
    entry = ledger_of(model, optimizer).entries[-1]
    assert (entry.name, entry.movement, entry.used, entry.held) == ("2.bias", 0.0, None, True)
    assert model[2].bias.grad is None
