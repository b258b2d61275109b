"""The strength from which on nothing is left, against scikit-learn and against training."""

import numpy as np
import pytest
from sklearn.linear_model import lasso_path
from sklearn.svm import l1_min_c

from bridle.core import Recipe, Training
from bridle.data.dataset import Dataset
from bridle.engine.member import MemberTraining
from bridle.engine.strength_max import all_zero, is_linear, strength_max
from bridle.engine.train import train
from bridle.population import Member
from bridle.records import Column, Kind, Layout, Task
from bridle.regularizers.penalties import L1, L2, GroupLasso, SparseGroupLasso


def seen(member, setting):
    """Inputs and targets as the network gets them, for scikit-learn."""
    ((batch, _),) = MemberTraining(member, setting).batches.clean()
    return batch.inputs.double().numpy(), batch.targets.double().numpy()


def numbers(inputs, targets, classes=()):
    columns = tuple(Column(f"x{number}") for number in range(inputs.shape[1]))
    task = Task.CLASSIFICATION if classes else Task.REGRESSION
    layout = Layout(Kind.TABLE, task, inputs.shape[1:], columns=columns, classes=classes)
    return Dataset(inputs.astype(np.float32), targets, layout)


@pytest.fixture
def regression():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(80, 6))
    return numbers(inputs, 3.0 + inputs @ np.array([2.0, -1.0, 0.5, 0, 0, 0]) + generator.normal(size=80))


@pytest.fixture
def member(fold):
    """Makes a member of a recipe with these regularizers on all rows."""

    def make(dataset, *regularizers, **settings):
        training = Training(optimizer="sgd", learning_rate=0.05, epochs=40, batch_size=200)
        return Member(0, Recipe(*regularizers, training=training), fold(len(dataset)), 0, **settings)

    return make


def test_of_the_lasso_it_is_where_scikit_learns_path_begins(regression, member, setting, line):
    """Their objective halves the squared error and has no intercept."""
    one, shared = member(regression, L1(1e-3)), setting(regression, line)
    inputs, targets = seen(one, shared)
    alphas, _, _ = lasso_path(inputs - inputs.mean(0), targets[:, 0] - targets.mean())
    found = strength_max(one, shared, "l1")
    assert found == pytest.approx(2 * alphas[0], rel=1e-4)


def test_of_logistic_regression_it_is_that_of_scikit_learn(member, setting, line):
    """``l1_min_c`` is stated for a sum of losses, and for an intercept of zero: so classes are as large."""
    generator = np.random.default_rng(1)
    inputs, targets = generator.normal(size=(60, 5)), np.arange(60) % 2
    inputs[targets == 1, 0] += 1
    dataset = numbers(inputs, targets.astype(np.int64), ("a", "b"))
    one, shared = member(dataset, L1(1e-3)), setting(dataset, line)
    least = l1_min_c(seen(one, shared)[0], targets, loss="log")
    found = strength_max(one, shared, "l1")
    assert found == pytest.approx(1 / (least * 60), rel=1e-4)


def test_the_intercept_is_fitted(member, setting, line):
    """An indicator column is not centred, so it matters: with it at the shares of the classes the gradient is known."""
    generator = np.random.default_rng(3)
    inputs, targets = generator.normal(size=(70, 2)), (np.arange(70) % 5 == 0).astype(np.int64)
    inputs[:40, 1] = np.nan
    columns = (Column("x0"), Column("x1", missing=True))
    layout = Layout(Kind.TABLE, Task.CLASSIFICATION, (2,), columns=columns, classes=("a", "b"))
    dataset = Dataset(inputs.astype(np.float32), targets, layout)
    one, shared = member(dataset, L1(1e-3)), setting(dataset, line)
    seen_inputs, codes = seen(one, shared)
    assert abs(seen_inputs.mean(0)).max() > 0.1
    slopes = seen_inputs.T @ (codes - codes.mean(0)) / len(codes)
    assert strength_max(one, shared, "l1") == pytest.approx(abs(slopes).max(), rel=1e-5)


@pytest.mark.parametrize("penalty", [L1, GroupLasso])
def test_training_ends_at_zero_from_there_on_and_not_below(penalty, member, setting, line, tmp_path):
    """Classes of unlike sizes, so that the intercept is not zero."""
    generator = np.random.default_rng(2)
    inputs = generator.normal(size=(90, 4))
    targets = np.digitize(inputs[:, 0] + generator.normal(size=90), [0.5, 1.5]).astype(np.int64)
    dataset = numbers(inputs, targets, ("a", "b", "c"))
    shared = setting(dataset, line, folder=tmp_path)
    key = penalty(1.0).key
    largest = strength_max(member(dataset, penalty(1e-3)), shared, key)
    for number, (share, empty) in enumerate(((1.02, True), (0.9, False))):
        kept = member(dataset, penalty(share * largest), keep=True, stage=f"at{number}")
        assert train(kept, shared).failure is None
        assert all_zero(kept, shared, key) is empty


@pytest.mark.parametrize("penalty", [L2(1e-3), L1(1e-3, gradient_only=True), SparseGroupLasso(1e-3, 1e-3)])
def test_where_there_is_no_closed_form_there_is_none(regression, member, setting, line, penalty):
    assert strength_max(member(regression, penalty), setting(regression, line), penalty.key) is None


def test_a_network_is_linear_or_not(regression, member, setting, line, wide):
    assert is_linear(member(regression), setting(regression, line))
    assert not is_linear(member(regression), setting(regression, wide))
    assert not is_linear(member(regression), setting(regression))
