"""Clean evaluation, averaged weights and batch-norm statistics."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from bridle.engine import evaluate
from bridle.engine.evaluate import outputs, predictions, refresh_batch_norm, with_weights
from bridle.records import Task

ROWS = np.arange(40, dtype=np.int64)


def images_of(training):
    return training.examples.preprocessing.normalise(training.examples.inputs(torch.arange(40)))


def test_outputs_are_those_of_the_model_in_evaluation_in_row_order(images, conv, begin, monkeypatch):
    training = begin(images(), conv, epochs=1)
    training.train_epoch()
    monkeypatch.setattr(evaluate, "BLOCK", 7)
    rows = np.array([5, 3, 39, 0] * 5)
    found = outputs(training.model, training.examples, rows, nullcontext)
    assert training.model.training
    training.model.eval()
    with torch.no_grad():
        expected = training.model(images_of(training)[rows])
    torch.testing.assert_close(found, expected)


def test_probabilities_and_numbers_in_their_own_unit(table, line, begin):
    training = begin(table(), line)
    found = predictions(Task.CLASSIFICATION, training.examples, torch.tensor([[0.0, np.log(3.0), -np.inf]]))
    np.testing.assert_allclose(found, [[0.25, 0.75, 0.0]], rtol=1e-6)
    dataset = table(task=Task.REGRESSION)
    training = begin(dataset, line)
    found = predictions(Task.REGRESSION, training.examples, torch.tensor([[0.0], [2.0]]))
    np.testing.assert_allclose(found, dataset.targets.mean() + dataset.targets.std() * np.array([0, 2]), rtol=1e-6)


def test_refreshed_statistics_are_those_of_one_pass(images, conv, begin, monkeypatch):
    """Against torch's own ``update_bn`` over the same blocks, and in one block against the plain moments."""
    training = begin(images(), conv, epochs=1)
    training.train_epoch()
    norm, x = training.model[1], images_of(training)
    refresh_batch_norm(training.model, training.examples, ROWS, nullcontext)
    convolved = training.model[0](x).detach().transpose(0, 1).flatten(1)
    torch.testing.assert_close(norm.running_mean, convolved.mean(1))
    torch.testing.assert_close(norm.running_var, convolved.var(1))
    assert norm.momentum == 0.1
    assert training.model.training
    monkeypatch.setattr(evaluate, "BLOCK", 15)
    refresh_batch_norm(training.model, training.examples, ROWS, nullcontext)
    found = norm.running_mean.clone(), norm.running_var.clone()
    update_bn(x.tensor_split([14, 27]), training.model)
    torch.testing.assert_close(found, (norm.running_mean, norm.running_var))


def test_no_block_is_so_small_that_it_spoils_the_statistics(images, conv, begin, monkeypatch):
    """39 and 1 rows would give a block without variance as much to say as all others together."""
    training = begin(images(), conv)
    monkeypatch.setattr(evaluate, "BLOCK", 39)
    refresh_batch_norm(training.model, training.examples, ROWS, nullcontext)
    convolved = training.model[0](images_of(training)).detach().transpose(0, 1).flatten(1)
    torch.testing.assert_close(training.model[1].running_mean, convolved.mean(1))
    torch.testing.assert_close(training.model[1].running_var, convolved.var(1), rtol=0.1, atol=0)


def test_norms_that_are_kept_in_evaluation_are_left_alone(images, begin):
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.head = nn.BatchNorm2d(3), nn.Linear(108, 2)

        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

        def forward(self, x):
            return self.head(self.norm(x).flatten(1))

    training = begin(images(), Frozen)
    training.model.norm.running_mean.fill_(0.25)
    refresh_batch_norm(training.model, training.examples, ROWS, nullcontext)
    assert training.model.norm.running_mean.tolist() == [0.25] * 3


def test_other_weights_for_a_while_and_everything_back(images, conv, begin):
    training = begin(images(), conv, epochs=1)
    training.train_epoch()
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    others = {name: torch.full_like(value, 0.5) for name, value in training.model.named_parameters()}

    def fail():
        with with_weights(training.model, others):
            assert all((weight == 0.5).all() for weight in training.model.parameters())
            refresh_batch_norm(training.model, training.examples, ROWS, nullcontext)
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        fail()
    after = training.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_none_leaves_the_weights_alone(table, line, begin):
    training = begin(table(), line)
    with with_weights(training.model, None):
        training.model.head.weight.data.fill_(3.0)
    assert (training.model.head.weight == 3.0).all()
