"""Convex yardsticks: full-batch training in a plain loop reaches the solution that others compute, zeros and all.

Data loss is half the mean squared error, as scikit-learn has it; strengths are then equal to scikit-learn's.
"""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso, LogisticRegression
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adagrad, Adam, AdamW, NAdam, RAdam, RMSprop
from torch.optim.lr_scheduler import ExponentialLR

from bridle.core import Recipe
from bridle.engine.attach import attach
from bridle.engine.optimality import kkt_residual
from bridle.regularizers.penalties import L1, L2, ElasticNet, GroupLasso

OPTIMIZERS = {
    "sgd": (lambda w: SGD(w, 0.3), 1.0),
    "momentum": (lambda w: SGD(w, 0.05, momentum=0.9), 1.0),
    "dampening": (lambda w: SGD(w, 0.1, momentum=0.9, dampening=0.5), 1.0),
    "nesterov": (lambda w: SGD(w, 0.05, momentum=0.9, nesterov=True), 1.0),
    "adam": (lambda w: Adam(w, 0.05), 0.997),
    "adamw": (lambda w: AdamW(w, 0.05, weight_decay=0.0), 0.997),
    "nadam": (lambda w: NAdam(w, 0.05), 0.997),
    "radam": (lambda w: RAdam(w, 0.05), 0.997),
    "rmsprop": (lambda w: RMSprop(w, 0.05), 0.995),
    "adagrad": (lambda w: Adagrad(w, 0.5), 1.0),
}
"""Optimizers, and by what their learning rate is multiplied after each step."""

STEPS = 3000


@pytest.fixture(scope="module")
def regression():
    """150 rows, 41 columns of which 12 matter."""
    x, y = make_regression(150, 41, n_informative=12, noise=5.0, random_state=0)
    x = (x - x.mean(0)) / x.std(0)
    return x, (y - y.mean()) / y.std()


@pytest.fixture(scope="module")
def classes():
    x, y = make_classification(200, 20, n_informative=5, n_redundant=3, random_state=1)
    return (x - x.mean(0)) / x.std(0), y


def fit(make, factor, recipe, x, loss, outputs=1, steps=STEPS):
    model = nn.Linear(x.shape[1], outputs).double()
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = make(model.parameters())
    schedule = ExponentialLR(optimizer, factor)
    attach(model, optimizer, recipe)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
        schedule.step()
    return model


def half_mean_square(x, y):
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    return lambda model: (model(x)[:, 0] - y).square().mean() / 2


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("penalty", ["lasso", "elastic net"])
def test_the_zeros_and_weights_of_scikit_learn(penalty, name, regression):
    x, y = regression
    recipe, theirs = {
        "lasso": (L1(0.05), Lasso(0.05, tol=1e-14, max_iter=100_000)),
        "elastic net": (
            ElasticNet(0.05 * 0.6, 0.05 * 0.4),
            SklearnElasticNet(0.05, l1_ratio=0.6, tol=1e-14, max_iter=100_000),
        ),
    }[penalty]
    expected = theirs.fit(x, y).coef_
    assert 5 < np.count_nonzero(expected) < 36
    model = fit(*OPTIMIZERS[name], Recipe(recipe), x, half_mean_square(x, y))
    found = model.weight[0].detach().numpy()
    np.testing.assert_array_equal(found == 0, expected == 0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert kkt_residual(model, Recipe(recipe), lambda: half_mean_square(x, y)(model)) < 1e-6


def test_ridge_in_closed_form(regression):
    x, y = regression
    model = fit(*OPTIMIZERS["nesterov"], Recipe(L2(0.1)), x, half_mean_square(x, y))
    expected = np.linalg.solve(x.T @ x / len(x) + 0.1 * np.eye(41), x.T @ y / len(x))
    np.testing.assert_allclose(model.weight[0].detach().numpy(), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["nesterov", "adam"])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_logistic_regression_of_scikit_learn(ratio, name, classes):
    """With C = 1 / (n * strength) the penalty is that of scikit-learn; the intercept is free."""
    x, y = classes
    strength = 0.02
    theirs = LogisticRegression(
        C=1 / (len(x) * strength), l1_ratio=ratio, solver="saga", tol=1e-12, max_iter=100_000, random_state=0
    ).fit(x, y)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y).double()

    def loss(model):
        return nn.functional.binary_cross_entropy_with_logits(model(inputs)[:, 0], targets)

    recipe = Recipe(ElasticNet(strength * ratio, strength * (1 - ratio)))
    model = fit(*OPTIMIZERS[name], recipe, x, loss)
    found = model.weight[0].detach().numpy()
    np.testing.assert_array_equal(found == 0, theirs.coef_[0] == 0)
    np.testing.assert_allclose(found, theirs.coef_[0], rtol=0, atol=2e-6)
    assert kkt_residual(model, recipe, lambda: loss(model)) < 1e-6


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adagrad"])
def test_group_lasso_meets_the_optimality_conditions_of_the_convex_problem(name, classes):
    """The textbook conditions: a group is zero exactly where its gradient is no longer than the strength."""
    x, y = classes
    strength = 0.03
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def loss(model):
        return cross_entropy(model(inputs), targets)

    model = fit(*OPTIMIZERS[name], Recipe(GroupLasso(strength, groups="inputs")), x, loss, outputs=2)
    (slope,) = torch.autograd.grad(loss(model), model.weight)
    weight, bound = model.weight.detach(), strength * 2**0.5
    empty = (weight == 0).all(0)
    assert 2 < int(empty.sum()) < 18
    assert torch.equal(empty, (weight == 0).any(0))
    assert (slope[:, empty].norm(dim=0) <= bound).all()
    direction = weight[:, ~empty] / weight[:, ~empty].norm(dim=0)
    torch.testing.assert_close(slope[:, ~empty], -bound * direction, rtol=0, atol=1e-6)


def test_group_lasso_of_skglm(regression):
    """Three columns are a group: a network with those columns as one kernel each, against skglm's groups."""
    skglm = pytest.importorskip("skglm")
    penalties, datafits, solvers = (
        pytest.importorskip(f"skglm.{name}") for name in ("penalties", "datafits", "solvers")
    )
    x, y = regression[0][:, :39], regression[1]
    groups, order = np.arange(0, 40, 3).astype(np.int32), np.arange(39).astype(np.int32)
    theirs = skglm.GeneralizedLinearEstimator(
        datafits.QuadraticGroup(groups, order),
        penalties.WeightedGroupL2(0.05, np.full(13, 3**0.5), groups, order),
        solvers.GroupBCD(tol=1e-12, max_iter=10_000, fit_intercept=False),
    ).fit(x, y)
    expected = theirs.coef_.reshape(13, 3)
    inputs, targets = torch.from_numpy(x).reshape(-1, 13, 3), torch.from_numpy(y)
    model = nn.Conv1d(13, 1, 3, bias=False).double()
    nn.init.zeros_(model.weight)
    optimizer = SGD(model.parameters(), 0.05, momentum=0.9)
    recipe = Recipe(GroupLasso(0.05, groups="kernels"))
    attach(model, optimizer, recipe)
    for _ in range(STEPS):
        optimizer.zero_grad()
        ((model(inputs)[:, 0, 0] - targets).square().mean() / 2).backward()
        optimizer.step()
    found = model.weight[0].detach().numpy()
    assert 2 < (expected == 0).all(1).sum() < 12
    np.testing.assert_array_equal((found == 0).all(1), (expected == 0).all(1))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def wrong_zeros(x, y, expected, batch, momentum, settled):
    """How many weights are zero where the solution is not, or the other way, after training with batches."""
    model = nn.Linear(x.shape[1], 1).double()
    nn.init.zeros_(model.weight)
    optimizer = SGD(model.parameters(), 0.05, momentum=momentum)
    handle = attach(model, optimizer, Recipe(L1(0.05)))
    source = torch.Generator().manual_seed(0)
    for _ in range(40):
        order = torch.randperm(len(x), generator=source).numpy()
        for rows in np.array_split(order, len(x) // batch):
            optimizer.zero_grad()
            half_mean_square(x[rows], y[rows])(model).backward()
            optimizer.step()
    if settled:
        handle.settle(lambda: half_mean_square(x, y)(model), 1000)
    return int(((model.weight[0].detach().numpy() == 0) != (expected == 0)).sum()), model


@pytest.mark.parametrize(("batch", "momentum"), [(16, 0.0), (8, 0.9)])
def test_full_gradients_settle_the_zeros_that_batches_leave_wrong(batch, momentum, regression):
    x, y = regression
    expected = Lasso(0.05, tol=1e-14, max_iter=100_000).fit(x, y).coef_
    unsettled, _ = wrong_zeros(x, y, expected, batch, momentum, settled=False)
    wrong, model = wrong_zeros(x, y, expected, batch, momentum, settled=True)
    assert unsettled > 1
    assert wrong == 0
    np.testing.assert_allclose(model.weight[0].detach().numpy(), expected, rtol=0, atol=1e-6)
