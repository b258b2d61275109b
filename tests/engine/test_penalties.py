"""Penalties on a network's weights, against scikit-learn's Lasso and ElasticNet."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso
from torch import nn
from torch.optim import SGD, Adam, AdamW
from torch.utils._python_dispatch import TorchDispatchMode

from bridle.core import Recipe
from bridle.engine.penalties import Penalties
from bridle.errors import RecipeError, ScopeError
from bridle.records import Task
from bridle.regularizers.averaging import EMA
from bridle.regularizers.penalties import (
    L1,
    L2,
    MCP,
    SCAD,
    ElasticNet,
    GroupLasso,
    HierarchicalLasso,
    Nuclear,
    SparseGroupLasso,
)

ALPHA = 0.15
"""scikit-learn's strength; its data loss has a half that ours has not."""

OPTIMIZERS = {
    "sgd": {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.1, "epochs": 300},
    "momentum": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.02, "epochs": 300},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.02, "epochs": 600},
}


@pytest.fixture
def sparse_problem(table):
    """Ten columns of which two matter."""
    return table(rows=80, columns=10, task=Task.REGRESSION)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("penalty", ["lasso", "elastic net"])
def test_full_batch_training_reaches_scikit_learns_solution(penalty, optimizer, sparse_problem, line, begin, run):
    ours, theirs = {
        "lasso": (L1(2 * ALPHA), Lasso(ALPHA, tol=1e-12)),
        "elastic net": (
            ElasticNet(2 * ALPHA * 0.7, 2 * ALPHA * 0.3),
            SklearnElasticNet(ALPHA, l1_ratio=0.7, tol=1e-12),
        ),
    }[penalty]
    training = begin(sparse_problem, line, ours, batch_size=80, **OPTIMIZERS[optimizer])
    rows = torch.arange(80)
    x, y = training.examples.inputs(rows).double().numpy(), training.examples.targets(rows).double().numpy()[:, 0]
    expected = theirs.fit(x, y).coef_
    assert 0 < np.count_nonzero(expected) < 10
    found = run(training)["head.weight"][0].numpy()
    np.testing.assert_array_equal(found == 0, expected == 0)
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_averaged_weights_keep_the_zeros_of_the_live_ones(sparse_problem, line, begin, run):
    training = begin(sparse_problem, line, L1(2 * ALPHA), EMA(0.99), batch_size=80, epochs=40, learning_rate=0.05)
    kept = run(training)["head.weight"]
    live = dict(training.model.named_parameters())["head.weight"]
    assert (live == 0).any()
    assert torch.equal(kept == 0, live == 0)
    assert not torch.equal(kept, live)


def test_averages_outside_the_scope_of_a_proximal_penalty_stay(sparse_problem, line, begin):
    training = begin(sparse_problem, line, L1(0.1), L2(0.1, label="bias", scope="biases"))
    live = {"head.weight": torch.tensor([[0.0, 1.0]]), "head.bias": torch.tensor([0.0])}
    averaged = {"head.weight": torch.tensor([[0.5, 0.5]]), "head.bias": torch.tensor([0.5])}
    kept = training.step.penalties.keep_zeros(averaged, live)
    assert kept["head.weight"].tolist() == [[0.0, 0.5]]
    assert kept["head.bias"].tolist() == [0.5]


def test_the_penalty_series_is_apart_from_the_data_loss(sparse_problem, line, begin):
    """``data_loss`` holds no penalty, ``penalty`` is its value at the end of the epoch, computed here by hand."""
    training = begin(sparse_problem, line, L1(0.3), L2(0.5, scope="all"), batch_size=80, epochs=2, learning_rate=1e-9)
    with torch.no_grad():
        training.model.head.weight.fill_(0.2)
    training.train_epoch()
    weight, bias = training.model.head.weight.detach(), training.model.head.bias.detach()
    expected = 0.3 * weight.abs().sum() + 0.25 * (weight.square().sum() + bias.square().sum())
    assert training.course.series["penalty"] == [pytest.approx(float(expected), rel=1e-12)]
    rows = torch.arange(80)
    error = training.examples.inputs(rows).double().sum(1) * 0.2 - training.examples.targets(rows)[:, 0]
    assert training.course.series["data_loss"] == [pytest.approx(float(error.square().mean()), rel=1e-6)]


def test_no_penalty_no_series(sparse_problem, line, begin):
    training = begin(sparse_problem, line, epochs=1)
    training.train_epoch()
    assert "penalty" not in training.course.series


def test_a_weight_without_a_gradient_is_left_alone():
    """The optimizer does not move it either."""
    model = nn.ModuleDict({"used": nn.Linear(2, 1), "unused": nn.Linear(2, 1)})
    optimizer = SGD(model.parameters(), 0.1)
    penalties = Penalties(model, optimizer, Recipe(L1(0.1), L2(0.1)))
    before = model["unused"].weight.detach().clone()
    model["used"](torch.ones(1, 2)).sum().backward()
    penalties.add_gradients()
    optimizer.step()
    penalties.proximal_steps()
    assert torch.equal(model["unused"].weight, before)


def test_two_penalties_with_zeros_on_one_weight_are_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer = SGD(model.parameters(), 0.1)
    message = r"l1 and elastic_net both make exact zeros on 0\.weight; no exact step is known.*use elastic_net"
    with pytest.raises(RecipeError, match=message):
        Penalties(model, optimizer, Recipe(L1(0.1), ElasticNet(0.1, 0.1)))
    apart = Recipe(L1(0.1, scope="first_layer"), ElasticNet(0.1, 0.1, scope="last_layer"))
    assert Penalties(model, optimizer, apart).scopes == {"l1": ["0.weight"], "elastic_net": ["1.weight"]}


def test_a_scope_that_matches_no_weight_is_refused():
    model = nn.Sequential(nn.Linear(2, 1))
    recipe = Recipe(L2(0.1, scope={"names": "head.*"}))
    with pytest.raises(ScopeError, match=r"l2 with scope .*head.* matches no weight\. The model has: 0\.weight"):
        Penalties(model, SGD(model.parameters(), 0.1), recipe)


def test_a_penalty_without_an_exact_step_under_the_optimizer_is_refused():
    net = nn.Linear(4, 3)
    message = r'nuclear has no exact step under Adam, which moves each weight .* Use training\.optimizer = "sgd"\.'
    with pytest.raises(RecipeError, match=message):
        Penalties(net, Adam(net.parameters()), Recipe(Nuclear(0.1)))
    Penalties(net, SGD(net.parameters(), 0.1), Recipe(Nuclear(0.1)))


def test_the_hierarchical_lasso_takes_its_two_weights_under_sgd_only():
    net = nn.ModuleDict({"skip": nn.Linear(4, 1), "first": nn.Linear(4, 5), "head": nn.Linear(5, 1)})
    recipe = Recipe(HierarchicalLasso(0.1))
    assert Penalties(net, SGD(net.parameters(), 0.1), recipe).scopes == {
        "hierarchical_lasso": ["skip.weight", "first.weight"]
    }
    with pytest.raises(RecipeError, match="hierarchical_lasso has no exact step under AdamW, which moves each weight"):
        Penalties(net, AdamW(net.parameters()), recipe)
    message = (
        r"hierarchical_lasso takes two weights .* its scope has skip\.weight \(1, 4\), .*, head\.weight \(1, 5\)\."
    )
    with pytest.raises(ScopeError, match=message):
        Penalties(net, SGD(net.parameters(), 0.1), Recipe(HierarchicalLasso(0.1, scope="matrices")))
    with pytest.raises(ScopeError, match="hierarchical_lasso names the features of 3 columns; its scope has skip"):
        Penalties(net, SGD(net.parameters(), 0.1), Recipe(HierarchicalLasso(0.1, features=(0, 1, 2))))


def test_a_pair_of_which_one_has_no_gradient_is_left_alone():
    net = nn.ModuleDict({"skip": nn.Linear(4, 1), "first": nn.Linear(4, 5)})
    optimizer = SGD(net.parameters(), 0.1)
    penalties = Penalties(net, optimizer, Recipe(HierarchicalLasso(100.0)))
    net["skip"](torch.ones(1, 4)).sum().backward()
    penalties.proximal_steps()
    assert net["skip"].weight.all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("penalty", [GroupLasso(0.05, groups="inputs"), SparseGroupLasso(0.02, 0.04, groups="inputs")])
def test_groups_of_a_network_vanish_as_a_whole_under_every_optimizer(penalty, optimizer, table, begin, run):
    """Two of ten inputs matter; what leaves any other is exactly zero."""
    settings = OPTIMIZERS[optimizer] | {"batch_size": 80, "learning_rate": 0.02, "epochs": 400}

    def make_net(example, outputs):
        return nn.Sequential(nn.Linear(len(example), 8), nn.Tanh(), nn.Linear(8, outputs))

    training = begin(table(rows=80, columns=10, task=Task.REGRESSION), make_net, penalty, **settings)
    kept = run(training)["0.weight"].norm(dim=0) > 0
    assert kept[:2].all()
    assert int(kept.sum()) <= 4


@pytest.mark.parametrize("penalty", [MCP(2 * ALPHA), SCAD(2 * ALPHA)])
def test_concave_penalties_select_as_lasso_does_without_its_bias(penalty, sparse_problem, line, begin, run):
    settings = OPTIMIZERS["momentum"] | {"batch_size": 80}
    kept = run(begin(sparse_problem, line, penalty, **settings))["head.weight"][0]
    lasso = run(begin(sparse_problem, line, L1(2 * ALPHA), **settings))["head.weight"][0]
    assert (kept != 0).tolist() == [True, True] + [False] * 8
    assert (kept[:2].abs() > lasso[:2].abs() + 0.05).all()


class Calls(TorchDispatchMode):
    """Counts the calls of torch's kernels."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("penalty", "few", "many"),
    [(L2(0.1), 1, 1), (L1(0.1), 10, 100), (ElasticNet(0.1, 0.1), 12, 102)],
    ids=lambda item: getattr(item, "key", ""),
)
def test_a_penalty_of_many_weights_takes_few_calls(penalty, few, many):
    """L2 of a whole network is one call, exact zeros are one for each weight; by autograd it is five and more."""

    def network(layers):
        net = nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))
        optimizer = SGD(net.parameters(), 0.1, momentum=0.9)
        net(torch.ones(2, 4)).sum().backward()
        return net, Penalties(net, optimizer, Recipe(penalty))

    for layers, expected in ((10, few), (100, many)):
        net, penalties = network(layers)
        with Calls() as calls:
            penalties.add_gradients()
            penalties.proximal_steps()
        assert calls.count == expected
        with Calls() as calls:
            sum(layer.weight.square().sum() for layer in net).backward()
        assert calls.count > 5 * layers
