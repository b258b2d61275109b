"""The path: its dense end, its order, its features."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from torch.optim import SGD

from bridle.core import Recipe
from bridle.data.dataset import Dataset
from bridle.engine.feature_path import EASE, PathPlan, PathTraining, feature_numbers, train_path
from bridle.engine.penalties import Penalties
from bridle.errors import ModelError
from bridle.metrics import catalogue as metrics
from bridle.records import Column, Fold, Kind, Layout, Mark, Task
from bridle.regularizers.penalties import HierarchicalLasso

FAST = PathPlan(width=8, factor=1.2, dense_epochs=150, patience=20)


def mixed(rows=240, task=Task.CLASSIFICATION):
    """Three numbers (one often missing) and two categories; the first number and the first category matter."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(rows, 5)).astype(np.float32)
    inputs[:, 3:] = random.integers(2, 5, (rows, 2))
    signal = inputs[:, 0] + 1.5 * (inputs[:, 3] == 3)
    inputs[random.random(rows) < 0.3, 2] = np.nan
    columns = (Column("a"), Column("b"), Column("c", None, True))
    columns += tuple(Column(name, ("u", "v", "w")) for name in "de")
    classes = ("no", "yes") if task is Task.CLASSIFICATION else ()
    targets = (signal > 0.5).astype(np.int64) if classes else signal.astype(np.float64)
    return Dataset(inputs, targets, Layout(Kind.TABLE, task, (5,), "y", columns, classes))


def fold_of(rows=240, watch=True):
    marks = np.full(rows, Mark.TRAIN, dtype=np.int8)
    marks[::5] = Mark.SCORE
    if watch:
        marks[1::10] = Mark.WATCH
    return Fold(0, marks)


@pytest.mark.parametrize("task", list(Task))
def test_it_goes_from_all_features_to_none_and_what_matters_lasts(task):
    steps = train_path(mixed(task=task), fold_of(), FAST, metrics.default(task))
    assert steps[0].strength == 0
    assert steps[0].features == (0, 1, 2, 3, 4)
    assert steps[-1].features == ()
    for before, after in itertools.pairwise(steps):
        assert after.strength > before.strength
        assert set(after.features) <= set(before.features)
    pair = next(step for step in steps if len(step.features) <= 2)
    assert set(pair.features) <= {0, 3}
    assert steps[-1].loss > steps[0].loss
    assert steps[-1].penalty == 0


def test_the_same_seed_gives_the_same_path():
    data, fold = mixed(), fold_of()
    first, second = (train_path(data, fold, FAST, metrics.find("accuracy"), seed=3) for _ in range(2))
    assert first == second


def test_columns_of_a_category_and_an_indicator_belong_to_their_feature():
    training = PathTraining(mixed(), fold_of(), FAST, metrics.find("accuracy"), 0)
    assert training.features == (0, 1, 2, 2, 3, 3, 3, 4, 4, 4)
    assert training.features == feature_numbers(training.dataset, training.preprocessing)


@pytest.mark.parametrize("hierarchy", [10.0, 1e6])
def test_the_dense_end_is_training_with_the_constraint_alone_and_plain_where_it_is_loose(hierarchy):
    """Torch's own SGD on torch's own loss, with Bridle's general proximal step or without any."""
    plan = dataclasses.replace(FAST, hierarchy=hierarchy, dense_epochs=40, patience=1000)
    training = PathTraining(mixed(), fold_of(watch=False), plan, metrics.find("accuracy"), 0)
    training.dense()
    rows = torch.from_numpy(fold_of(watch=False).rows(Mark.TRAIN))
    model = training.model()
    optimizer = SGD(model.parameters(), training.rate / EASE, momentum=0.9, nesterov=True)
    recipe = Recipe(HierarchicalLasso(0.0, hierarchy, training.features)) if hierarchy < 100 else Recipe()
    penalties = Penalties(model, optimizer, recipe)
    lowest, kept = np.inf, {}
    for _ in range(40):
        optimizer.zero_grad()
        output = model(training._examples.inputs(rows))
        torch.nn.functional.cross_entropy(output, torch.from_numpy(training.dataset.targets)[rows]).backward()
        optimizer.step()
        penalties.proximal_steps()
        lowest, kept = keep_best(model, training, rows, lowest, kept)
    found = training.model()
    training.network.load_into(found)
    for name, weight in found.state_dict().items():
        torch.testing.assert_close(weight, kept[name], rtol=1e-4, atol=1e-5)


def keep_best(model, training, rows, lowest, kept):
    with torch.no_grad():
        output = model(training._examples.inputs(rows))
        loss = float(torch.nn.functional.cross_entropy(output, torch.from_numpy(training.dataset.targets)[rows]))
    if loss < lowest:
        return loss, {name: weight.clone() for name, weight in model.state_dict().items()}
    return lowest, kept


def test_a_diverging_rate_is_halved(monkeypatch):
    monkeypatch.setattr("bridle.engine.feature_path.STEEP", 200.0)
    training = PathTraining(mixed(task=Task.REGRESSION), fold_of(), FAST, metrics.find("rmse"), 0)
    assert np.isfinite(training.dense().loss)
    assert training.rate < 100 / training.network.curvature()


def test_divergence_at_every_rate_is_an_error(monkeypatch):
    monkeypatch.setattr("bridle.engine.feature_path.STEEP", 1e30)
    training = PathTraining(mixed(task=Task.REGRESSION), fold_of(), FAST, metrics.find("rmse"), 0)
    with pytest.raises(ModelError, match=r"data: the network of the feature path diverged at every learning rate down"):
        training.dense()


def test_without_score_rows_there_is_no_score():
    marks = np.full(240, Mark.TRAIN, dtype=np.int8)
    step = PathTraining(mixed(), Fold(0, marks), FAST, metrics.find("accuracy"), 0).dense()
    assert np.isnan(step.score)
