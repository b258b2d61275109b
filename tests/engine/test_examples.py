"""Batches and weights of the training examples."""

import dataclasses

import numpy as np
import pytest
import torch

from bridle.core import Training
from bridle.data.preprocess import fit
from bridle.engine import examples as module
from bridle.engine.examples import Batches, Examples, example_weights
from bridle.records import Task
from bridle.regularizers.augment import FeatureNoise

CPU = torch.device("cpu")


@pytest.fixture
def batches():
    def make(dataset, rows, seed=0, fold=0, **settings):
        training = Training(**settings)
        examples = Examples(dataset, fit(dataset, rows), CPU)
        return Batches(examples, rows, example_weights(dataset, rows, training), training, seed, fold)

    return make


ROWS = np.arange(3, 50, dtype=np.int64)


def order(batches, epoch):
    return torch.cat([batch.examples for batch in batches.epoch(epoch)])


def test_an_epoch_is_a_permutation_of_the_training_rows(table, batches):
    made = batches(table(), ROWS, batch_size=10)
    first, second = order(made, 0), order(made, 1)
    assert made.per_epoch == 5
    assert first.sort().values.tolist() == ROWS.tolist()
    assert second.sort().values.tolist() == ROWS.tolist()
    assert not torch.equal(first, second)
    assert not torch.equal(first, first.sort().values)


def test_the_order_belongs_to_seed_fold_and_epoch(table, batches):
    def at(**keys):
        return order(batches(table(), ROWS, batch_size=10, **keys), 3)

    assert torch.equal(at(), at())
    assert not torch.equal(at(), at(seed=1))
    assert not torch.equal(at(), at(fold=1))


@pytest.mark.parametrize(("size", "expected"), [(47, [47]), (100, [47]), (46, [46]), (23, [23, 23]), (45, [45, 2])])
def test_a_last_batch_of_one_is_left_out(table, batches, size, expected):
    made = batches(table(), ROWS, batch_size=size)
    assert [len(batch.inputs) for batch in made.epoch(0)] == expected
    assert made.per_epoch == len(expected)


def test_a_batch_holds_its_rows(table, batches):
    dataset = table(weights=np.linspace(1, 2, 96))
    preprocessing = fit(dataset, ROWS)
    expected = preprocessing.inputs(torch.from_numpy(dataset.inputs))
    for batch in batches(dataset, ROWS, batch_size=10).epoch(4):
        assert torch.equal(batch.inputs, expected[batch.examples])
        assert batch.targets.sum(1).tolist() == [1.0] * len(batch.targets)
        assert batch.targets.argmax(1).tolist() == dataset.targets[batch.examples].tolist()
        given = dataset.weights / dataset.weights[ROWS].mean()
        np.testing.assert_allclose(batch.weights, given[batch.examples], rtol=1e-6)
        assert batch.times.tolist() == [5] * len(batch.times)
        assert batch.continuous == 4


def test_numbers_to_predict_are_standardised_by_the_training_rows(table, batches):
    dataset = table(task=Task.REGRESSION)
    made = batches(dataset, ROWS, batch_size=100)
    (batch,) = made.epoch(0)
    own = dataset.targets[ROWS]
    expected = (dataset.targets[batch.examples] - own.mean()) / own.std()
    np.testing.assert_allclose(batch.targets[:, 0], expected, rtol=1e-5, atol=1e-6)


def test_expanded_is_the_originals_and_copies_whose_draws_repeat(table, batches, begin, wide):
    """Originals come unchanged; each copy is augmented alike in every epoch and unlike the other copies."""
    training = begin(table(50), wide, FeatureNoise(0.5), expand=2, batch_size=16, epochs=2)
    seen = []
    forward = training.model.forward
    training.model.forward = lambda x: seen.append(x) or forward(x)
    views = []
    for epoch in range(2):
        view = {}
        for batch, draws, progress in training.augmented.epoch(epoch):
            seen.clear()
            training.step(batch, draws, progress)
            view |= {
                (int(row), int(copy)): x for row, copy, x in zip(batch.examples, batch.times, seen[0], strict=True)
            }
        views.append(view)
    assert views[0].keys() == {(row, copy) for row in range(50) for copy in range(3)}
    originals = training.examples.inputs(torch.arange(50))
    for (row, copy), x in views[0].items():
        assert torch.equal(x, views[1][row, copy])
        assert torch.equal(x, originals[row]) == (copy == 0)
    assert not torch.equal(views[0][7, 1], views[0][7, 2])


def test_on_the_fly_every_epoch_is_another_view(table, begin, wide):
    training = begin(table(50), wide, FeatureNoise(0.5), batch_size=50)
    times = [next(training.batches.epoch(epoch)).times.unique().tolist() for epoch in range(3)]
    assert times == [[1], [2], [3]]


def test_copies_stay_in_the_fold_of_their_original(table, batches):
    made = batches(table(), ROWS, batch_size=10, expand=3)
    assert made.per_epoch == 19
    seen = order(made, 0)
    assert seen.sort().values.tolist() == sorted(ROWS.tolist() * 4)


def test_large_data_is_prepared_batch_by_batch_alike(images, monkeypatch):
    dataset = images()
    preprocessing, rows = fit(dataset, np.arange(40)), torch.tensor([5, 0, 39])
    resident = Examples(dataset, preprocessing, CPU).inputs(rows)
    monkeypatch.setattr(module, "RESIDENT", 0)
    examples = Examples(dataset, preprocessing, CPU)
    assert examples._inputs is None
    assert torch.equal(examples.inputs(rows), resident)
    np.testing.assert_allclose(resident, dataset.inputs[[5, 0, 39]] / 255, rtol=1e-6)


def test_weights_have_mean_one_over_the_training_rows(table):
    dataset = table(weights=np.linspace(0.1, 9, 96))
    weights = example_weights(dataset, ROWS, Training())
    assert weights[ROWS].mean() == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(weights / weights[3], dataset.weights / dataset.weights[3], rtol=1e-5)


@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 96)])
def test_balanced_classes_weigh_alike(table, weights):
    dataset = table(weights=weights)
    found = example_weights(dataset, ROWS, Training(class_weights="balanced"))
    totals = [found[ROWS][dataset.targets[ROWS] == code].sum() for code in range(3)]
    np.testing.assert_allclose(totals, [len(ROWS) / 3] * 3, rtol=1e-5)


def test_a_weight_is_as_good_as_repeating_the_row(table, begin, line, run):
    """Full batches in float64, with the statistics of the preprocessing and initial weights the same."""
    dataset = table(30)
    repeats = np.arange(30) % 3 + 1
    again = dataset.take(np.repeat(np.arange(30), repeats))
    weighted = dataclasses.replace(dataset, weights=repeats.astype(np.float64))
    settings = {"optimizer": "sgd", "learning_rate": 0.5, "epochs": 20, "batch_size": 60}
    one, two = begin(weighted, line, **settings), begin(again, line, **settings)
    one.examples._inputs = two.examples.preprocessing.inputs(torch.from_numpy(dataset.inputs))
    for name, value in run(one).items():
        torch.testing.assert_close(value, run(two)[name], rtol=0, atol=1e-7)
    assert one.course.series["data_loss"] == pytest.approx(two.course.series["data_loss"], rel=1e-6)
