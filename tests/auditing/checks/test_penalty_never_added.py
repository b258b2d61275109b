"""Penalties that are kept and never added are found; added ones, and numbers that are no penalties, pass."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bridle.auditing.checks.penalty_never_added import PenaltyNeverAdded
from bridle.records import Severity


class Layer(nn.Linear):
    """Puts a penalty of strength 0.02 into its list, and one of its outputs beside it."""

    def forward(self, inputs):
        self.penalties = [0.01 * self.weight.square().sum()]
        outputs = super().forward(inputs)
        self.activity_loss = outputs.square().mean()
        return outputs


@pytest.fixture
def layered():
    return nn.Sequential(Layer(6, 8), nn.ReLU(), Layer(8, 3))


def look(observe, model, extra=lambda _: 0.0, keep=lambda _: None):
    """The findings of a step that adds ``extra`` of the model to its loss, and has ``keep`` of it in a variable."""
    observed = observe(model)

    def step(batch):
        observed.optimizer.zero_grad()
        loss = F.cross_entropy(model(batch[0]), batch[1])
        penalties = keep(model)  # noqa: F841 - the mistake
        (loss + extra(model)).backward()
        observed.optimizer.step()

    observed.step = step
    return list(PenaltyNeverAdded().look(observed))


def of_layers(name):
    return lambda model: sum(sum(found) if isinstance(found, list) else found for found in gathered(model, name))


def gathered(model, name):
    return [getattr(module, name) for module in model if hasattr(module, name)]


def test_in_lists_of_layers(observe, layered):
    on_weights, on_outputs = look(observe, layered)
    assert (on_weights.severity, on_outputs.severity) == (Severity.ERROR, Severity.WARNING)
    worth = sum(0.01 * module.weight.square().sum().item() for module in (layered[0], layered[2]))
    assert on_weights.numbers == {"value": pytest.approx(worth), "weights": ["0.weight", "2.weight"]}
    assert "2 numbers" in on_weights.message
    assert "in model.0.penalties, model.2.penalties" in on_weights.message
    assert "loss + sum(model.0.penalties)" in on_weights.message
    assert "model.0.activity_loss" in on_outputs.message


def test_added(observe, layered):
    added = of_layers("penalties"), of_layers("activity_loss")
    assert look(observe, layered, lambda model: sum(part(model) for part in added)) == []
    (left,) = look(observe, layered, of_layers("penalties"))
    assert "activity_loss" in left.message


def test_one_of_two_added(observe, layered):
    found = look(observe, layered, lambda model: model[0].penalties[0])
    assert ["2.weight"] in [finding.numbers["weights"] for finding in found]


def test_in_a_variable(observe, linear):
    (found,) = look(observe, linear, keep=lambda model: [w.abs().sum() for w in model.parameters()])
    assert found.severity is Severity.ERROR
    assert "4 numbers" in found.message
    assert "in penalties, computed" in found.message
    assert look(observe, linear, keep=lambda model: [w.abs().sum().item() for w in model.parameters()]) == []
    assert look(observe, linear, keep=lambda model: [w.detach().abs().sum() for w in model.parameters()]) == []


@pytest.mark.parametrize("by", ["backward", "grad"])
def test_felt_by_a_pass_of_its_own(observe, linear, by):
    observed = observe(linear)

    def step(batch):
        observed.optimizer.zero_grad()
        penalty = 0.1 * linear[0].weight.square().sum()
        F.cross_entropy(linear(batch[0]), batch[1]).backward()
        if by == "backward":
            penalty.backward()
        else:
            linear[0].weight.grad += torch.autograd.grad(penalty, linear[0].weight)[0]
        observed.optimizer.step()

    observed.step = step
    assert list(PenaltyNeverAdded().look(observed)) == []


def test_a_number_to_be_read_is_a_note(observe, linear):
    observed = observe(linear)

    def step(batch):
        observed.optimizer.zero_grad()
        size = sum(weight.square().sum() for weight in linear.parameters())
        l2_norm = size.sqrt()  # noqa: F841 - to be printed
        outputs = linear(batch[0])
        activity_loss = outputs.square().mean()  # noqa: F841
        F.cross_entropy(outputs, batch[1]).backward()
        observed.optimizer.step()

    observed.step = step
    size, l2_norm = PenaltyNeverAdded().look(observed)
    assert size.severity is l2_norm.severity is Severity.INFO
    assert "compute under torch.no_grad()" in size.message


def test_of_weights_that_the_optimizer_does_not_move(observe, linear):
    other = nn.Linear(3, 3)
    assert look(observe, linear, keep=lambda _: other.weight.square().sum()) == []


def test_a_closure(observe, layered):
    observed = observe(layered)
    observed.optimizer = torch.optim.LBFGS(layered.parameters(), max_iter=2)

    def step(batch):
        def closure():
            observed.optimizer.zero_grad()
            loss = F.cross_entropy(layered(batch[0]), batch[1]) + of_layers("activity_loss")(layered)
            loss.backward()
            return loss

        observed.optimizer.step(closure)

    observed.step = step
    (found,) = PenaltyNeverAdded().look(observed)
    assert "penalties" in found.message
