"""The network in flat buffers against autograd, torch's own SGD and the penalty's own step."""

import pytest
import torch
from torch.nn import functional
from torch.optim import SGD

from bridle.core import Recipe
from bridle.core.draws import seeded
from bridle.engine.penalties import Penalties
from bridle.engine.skip_network import SkipNetwork
from bridle.models import Inputs
from bridle.models.skip_mlp import SkipMLP
from bridle.records import Kind, Task
from bridle.regularizers.penalties import HierarchicalLasso

ROWS, COLUMNS, WIDTH = 40, 7, 9
FEATURES = {"alone": tuple(range(COLUMNS)), "grouped": (0, 1, 1, 2, 3, 3, 3)}


def model_of(task, seed=0):
    outputs = 3 if task is Task.CLASSIFICATION else 1
    with seeded("test", seed):
        return SkipMLP(Inputs(Kind.TABLE, (COLUMNS,), outputs, continuous=COLUMNS), WIDTH).double()


def problem(task):
    random = torch.Generator().manual_seed(1)
    inputs = torch.randn(ROWS, COLUMNS, generator=random, dtype=torch.float64)
    signal = inputs[:, :1] - inputs[:, 1:2]
    if task is Task.CLASSIFICATION:
        targets = torch.eye(3, dtype=torch.float64)[(signal[:, 0] > 0).long() + (inputs[:, 3] > 1).long()]
    else:
        targets = signal
    weights = torch.rand(ROWS, generator=random, dtype=torch.float64) + 0.5
    return inputs, targets, weights / weights.mean()


def data_loss(model, task, inputs, targets, weights):
    output = model(inputs)
    if task is Task.CLASSIFICATION:
        return (functional.cross_entropy(output, targets, reduction="none") * weights).mean()
    return ((output - targets).square().sum(1) * weights).mean()


def flat_of(model, task, features="alone", hierarchy=2.0, momentum=0.9):
    return SkipNetwork(model, *problem(task), task, FEATURES[features], hierarchy, momentum)


@pytest.mark.parametrize("task", list(Task))
def test_gradients_are_those_of_autograd(task):
    model = model_of(task)
    matrix, head, bias = flat_of(model, task).gradients()
    data_loss(model, task, *problem(task)).backward()
    torch.testing.assert_close(matrix, torch.cat([model.first.weight.grad, model.skip.weight.grad]))
    torch.testing.assert_close(head, model.head.weight.grad)
    torch.testing.assert_close(bias, torch.cat([model.first.bias.grad, model.skip.bias.grad]))


def trained(model, task, steps, rate, penalty=None, nesterov=True):
    """A plain loop of torch's SGD, with Bridle's general proximal steps where a penalty is given."""
    optimizer = SGD(model.parameters(), rate, momentum=0.9, nesterov=nesterov)
    penalties = Penalties(model, optimizer, Recipe(penalty)) if penalty else None
    for _ in range(steps):
        optimizer.zero_grad()
        data_loss(model, task, *problem(task)).backward()
        optimizer.step()
        if penalties:
            penalties.proximal_steps()
    return dict(model.named_parameters())


def loaded(network, task):
    model = model_of(task, seed=5)
    network.load_into(model)
    return dict(model.named_parameters())


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("strength", [0.0, 0.05])
def test_steps_are_those_of_a_plain_loop_with_the_penalty(task, features, strength):
    """At strength 0 it is training with the constraint alone."""
    penalty = HierarchicalLasso(strength, 2.0, FEATURES[features])
    network = flat_of(model_of(task), task, features)
    for _ in range(200):
        network.step(0.02, strength)
    expected = trained(model_of(task), task, 200, 0.02, penalty)
    found = loaded(network, task)
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-9, atol=1e-9)
    bound = penalty.inside([found["skip.weight"], found["first.weight"]])[1]
    torch.testing.assert_close(bound, found["first.weight"])


@pytest.mark.parametrize("task", list(Task))
def test_with_a_large_hierarchy_it_is_plain_training(task):
    network = flat_of(model_of(task), task, hierarchy=1e6)
    for _ in range(200):
        network.step(0.02, 0.0)
    found = loaded(network, task)
    for name, weight in trained(model_of(task), task, 200, 0.02).items():
        torch.testing.assert_close(found[name], weight, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("features", FEATURES)
def test_dropped_columns_change_nothing_but_that_they_stay_out(features):
    task = Task.CLASSIFICATION
    network = flat_of(model_of(task), task, features)
    for strength in range(1000):
        network.step(0.02, 0.05 * strength)
        if len(network.selected) < network.count:
            break
    before, kept = loaded(network, task), network.selected
    network.drop()
    after = loaded(network, task)
    assert len(network.columns) < COLUMNS
    assert torch.equal(network.selected, kept)
    for name, weight in before.items():
        assert torch.equal(weight, after[name])
    for _ in range(20):
        network.step(0.02, 0.0)
    assert torch.equal(network.selected, kept)
    matrix = network.gradients()[0]
    model = model_of(task)
    network.load_into(model)
    data_loss(model, task, *problem(task)).backward()
    torch.testing.assert_close(matrix, torch.cat([model.first.weight.grad, model.skip.weight.grad])[:, network.columns])


def test_a_state_comes_back_at_rest():
    task = Task.REGRESSION
    network = flat_of(model_of(task), task)
    state, before = network.state(), loaded(network, task)
    network.step(0.1, 5.0)
    network.drop()
    network.restore(state)
    for name, weight in loaded(network, task).items():
        assert torch.equal(weight, before[name])
    assert len(network.columns) == COLUMNS


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("task", list(Task))
def test_from_zero_skip_weights_the_step_is_the_penaltys(task, features):
    model = model_of(task)
    with torch.no_grad():
        model.skip.weight.zero_()
    network = flat_of(model, task, features)
    network._shrink(0.01)
    penalty = HierarchicalLasso(0.01, 2.0, FEATURES[features])
    expected = penalty.prox([model.skip.weight.detach(), model.first.weight.detach()], [1.0, 1.0])
    found = loaded(network, task)
    assert expected[0].any()
    torch.testing.assert_close(found["skip.weight"].detach(), expected[0])
    torch.testing.assert_close(found["first.weight"].detach(), expected[1])
    assert float(network.norms.sum()) == pytest.approx(float(penalty.value(expected)) / 0.01)


def test_the_curvature_is_the_largest_eigenvalue():
    network = flat_of(model_of(Task.REGRESSION), Task.REGRESSION)
    padded = torch.cat([problem(Task.REGRESSION)[0], torch.ones(ROWS, 1).double()], 1)
    assert network.curvature() == pytest.approx(float(torch.linalg.eigvalsh(padded.T @ padded / ROWS)[-1]))
    assert network.finite()
