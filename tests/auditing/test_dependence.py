"""What outputs and the loss depend on."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from bridle.auditing.dependence import used, without_gradient
from bridle.auditing.measure import Measurement
from bridle.auditing.probe import Probe
from bridle.auditing.undo import Undo


def measured(case):
    undo = Undo(case.model, case.optimizer, case.step)
    weights = list(case.model.parameters())
    return Measurement(Probe(case.model, case.optimizer, case.step, weights, []), undo)


def with_weights(case, **weights):
    """More weights in the model and its optimizer."""
    for name, weight in weights.items():
        case.model.register_parameter(name, nn.Parameter(weight))
    case.optimizer.add_param_group({"params": [getattr(case.model, name) for name in weights]})
    return case


class Shifted(nn.Module):
    """A line and a frozen offset."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        self.offset = nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(self, inputs):
        return self.line(inputs) + self.offset


def shifted(case):
    """The case with an offset in its model that gets no gradient."""
    weight = case.weight
    case.model = Shifted(case.model)

    def step():
        case.optimizer.zero_grad()
        case.model(case.inputs).square().mean().backward()
        case.optimizer.step()

    case.weight, case.step = weight, step
    return case


def test_used_by_a_gradient_by_a_change_or_not_at_all(line):
    case = with_weights(shifted(line()), idle=torch.ones(2))
    found = used(measured(case))
    assert found == {case.weight: True, case.model.idle: False, case.model.offset: True}


def test_a_penalty_is_no_use(line):
    case = with_weights(line(), idle=torch.ones(2))

    def step():
        case.optimizer.zero_grad()
        (case.model(case.inputs).square().mean() + case.model.idle.square().sum()).backward()
        case.optimizer.step()

    case.step = step
    assert used(measured(case))[case.model.idle] is False


def test_of_many_it_is_not_known_which(line):
    idle = {f"idle{number}": torch.ones(1) for number in range(8)}
    case = with_weights(line(), **idle)
    assert set(used(measured(case)).values()) == {True, False}
    case = with_weights(shifted(line()), **idle)
    found = used(measured(case))
    assert found.pop(case.weight) is True
    assert set(found.values()) == {None}


def test_without_outputs_it_is_not_known(line):
    case = with_weights(line(), idle=torch.ones(2))

    def step():
        case.optimizer.zero_grad()
        (case.inputs @ case.weight.T).square().mean().backward()
        case.optimizer.step()

    case.step = step
    assert used(measured(case)) == {case.weight: True, case.model.idle: None}


def test_a_value_without_a_gradient(line):
    case = line(extra=lambda weight: 0.5 * weight.detach().square().sum())
    share, weights = without_gradient(measured(case))
    assert share == pytest.approx(1.0)
    assert weights == (case.weight,)


def test_half_a_gradient(line):
    # both grow by 21 % of 2.5 when weights grow by a tenth: half of the change has no gradient
    case = line(extra=lambda weight: 0.5 * (weight.detach().square() + weight.square()).sum())
    share, weights = without_gradient(measured(case))
    assert share == pytest.approx(0.5, rel=1e-3)
    assert weights == ()  # that weight has a gradient from the other half


def test_a_whole_gradient_and_no_penalty(line):
    share, weights = without_gradient(measured(line(extra=lambda weight: 0.5 * weight.square().sum())))
    assert share == pytest.approx(0.0, abs=1e-4)
    assert weights == ()
    assert math.isnan(without_gradient(measured(line()))[0])


def test_a_penalty_on_inner_activations_has_a_gradient():
    inner, outer = nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False)
    model = nn.Sequential(inner, nn.Tanh(), outer)
    optimizer, seen = torch.optim.SGD(model.parameters(), 0.1), []
    inner.register_forward_hook(lambda _, __, output: seen.append(output))

    def step():
        optimizer.zero_grad()
        loss = model(torch.tensor([[1.0, 2.0], [0.5, -1.0]])).square().mean()
        (loss + 0.1 * seen.pop().square().mean()).backward()
        optimizer.step()

    undo = Undo(model, optimizer, step)
    found = Measurement(Probe(model, optimizer, step, list(model.parameters()), []), undo)
    share, weights = without_gradient(found)
    assert not share > 0.2
    assert weights == ()


def test_a_penalty_that_is_at_its_lowest_has_a_gradient_elsewhere(line):
    case = line()
    start = case.weight.detach().clone()
    share, weights = without_gradient(measured(line(extra=lambda weight: (weight - start).square().sum())))
    assert share == pytest.approx(0.0, abs=1e-4)
    assert weights == ()


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("detached", [True, False])
def test_modules_that_are_called_again_within_the_backward_pass(reentrant, detached):
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    inputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], requires_grad=True)

    def step():
        optimizer.zero_grad()
        for _ in range(2):
            loss = checkpoint(model, inputs, use_reentrant=reentrant).square().mean()
            weight = model[0].weight.detach() if detached else model[0].weight
            (loss + weight.square().sum()).backward()
        optimizer.step()

    found = measured(SimpleNamespace(model=model, optimizer=optimizer, step=step))
    assert (found.whole.calls, len(found.whole.outputs)) == (2, 2)
    share, weights = without_gradient(found)
    assert share == pytest.approx(1.0 if detached else 0.0, abs=1e-4)
    assert weights == ((model[0].weight,) if detached else ())


@pytest.mark.parametrize("graph", [True, False])
def test_a_gradient_in_the_loss_is_no_penalty_without_one(graph):
    """A gradient penalty: with its graph it trains the weights, without one it is a number and trains nothing."""
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    inputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])

    def step():
        optimizer.zero_grad()
        given = inputs.clone().requires_grad_()
        loss = model(given).square().mean()
        (gradient,) = torch.autograd.grad(loss, given, create_graph=graph, retain_graph=True)
        (loss + 5.0 * gradient.square().sum()).backward()
        optimizer.step()

    found = measured(SimpleNamespace(model=model, optimizer=optimizer, step=step))
    share, weights = without_gradient(found)
    assert math.isnan(share) is graph
    assert (len(weights) > 0, any("is not looked for" in note for note in found.notes)) == (not graph, graph)


def test_a_step_that_differs_each_time_tells_nothing(line):
    sizes = iter(range(1, 99))
    case = line(
        extra=lambda weight: 0.5 * weight.detach().square().sum(), before=lambda weight: weight.grad.mul_(next(sizes))
    )
    share, weights = without_gradient(measured(case))
    assert math.isnan(share)
    assert weights == ()
