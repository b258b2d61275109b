"""What the tests of the engine share: small data sets, folds, networks in float64 and members."""

import numpy as np
import pytest
import torch
from torch import nn

from bridle.core import Place, Recipe, Training
from bridle.data.dataset import Dataset
from bridle.engine.member import MemberTraining
from bridle.engine.setting import Setting
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Column, Fold, Kind, Layout, Mark, Task


class Wide(nn.Module):
    """A small network in float64 that takes float32 inputs."""

    def __init__(self, example, outputs, hidden=6):
        super().__init__()
        first, place, last = nn.Linear(len(example), hidden), Place(), nn.Linear(hidden, outputs)
        self.net = nn.Sequential(first, nn.Tanh(), place, last).double()

    def forward(self, x):
        return self.net(x.double())


class Line(nn.Module):
    """A linear model in float64, from zero."""

    def __init__(self, example, outputs):
        super().__init__()
        self.head = nn.Linear(example.numel(), outputs).double()
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(x.flatten(1).double())


def conv_net(example, outputs):
    """A convolutional network with batch normalisation and dropout."""
    return nn.Sequential(
        nn.Conv2d(example.shape[0], 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, outputs),
    )


@pytest.fixture
def wide():
    return Wide


@pytest.fixture
def line():
    return Line


@pytest.fixture
def conv():
    return conv_net


@pytest.fixture
def table():
    """Makes a table of numbers with three classes, or with a number to predict."""

    def make(rows=96, columns=4, task=Task.CLASSIFICATION, seed=0, weights=None):
        generator = np.random.default_rng(seed)
        inputs = generator.normal(size=(rows, columns)).astype(np.float32)
        signal = inputs[:, 0] - inputs[:, 1] + generator.normal(size=rows)
        names = tuple(Column(f"x{number}") for number in range(columns))
        if task is Task.REGRESSION:
            return Dataset(inputs, 5 + 2 * signal, Layout(Kind.TABLE, task, (columns,), columns=names), weights)
        layout = Layout(Kind.TABLE, task, (columns,), columns=names, classes=("a", "b", "c"))
        return Dataset(inputs, np.digitize(signal, [-1, 1]).astype(np.int64), layout, weights)

    return make


@pytest.fixture
def images():
    """Makes small colour images whose class is the brighter half."""

    def make(rows=40, side=6, seed=0):
        generator = np.random.default_rng(seed)
        targets = generator.integers(0, 2, rows)
        inputs = generator.integers(0, 200, (rows, 3, side, side))
        inputs[targets == 0, :, : side // 2] += 50
        inputs[targets == 1, :, side // 2 :] += 50
        layout = Layout(Kind.IMAGE, Task.CLASSIFICATION, (3, side, side), classes=("top", "bottom"))
        return Dataset(inputs.astype(np.uint8), targets.astype(np.int64), layout)

    return make


@pytest.fixture
def fold():
    """Makes a fold whose last rows are scored, and those before them watched."""

    def make(rows, score=0, watch=0, number=0):
        marks = np.full(rows, Mark.TRAIN, dtype=np.int8)
        marks[rows - score - watch : rows - score] = Mark.WATCH
        marks[rows - score :] = Mark.SCORE
        return Fold(number, marks)

    return make


@pytest.fixture
def setting():
    """Makes a setting with the default metric of the task."""

    def make(dataset, model=None, **others):
        metric = others.pop("metric", None)
        found = metrics.find(metric) if metric else metrics.default(dataset.layout.task)
        return Setting(dataset, found, model, **others)

    return make


@pytest.fixture
def begin(fold, setting):
    """Begins the training of one member: ``begin(dataset, model, regularizers, fold=..., **training settings)``."""

    def make(dataset, model, *regularizers, marks=None, seed=0, loss=None, **training):
        recipe = Recipe(*regularizers, training=Training(**training))
        member = Member(0, recipe, marks or fold(len(dataset)), seed)
        return MemberTraining(member, setting(dataset, model, loss=loss))

    return make


@pytest.fixture
def run():
    """Trains a member to its end, without files, and gives its weights."""

    def to_the_end(training):
        while not training.course.finished:
            training.train_epoch()
        return training.weights()

    return to_the_end


@pytest.fixture
def assert_same():
    """The same tensors, bit for bit."""

    def check(one, other):
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert torch.equal(value, other[name]), name

    return check
