"""What the tests of the packs share: networks, members that differ, and packs trained to the end."""

import numpy as np
import pytest
import torch
from torch import nn

from bridle.core import Averaging, Recipe, Training
from bridle.engine.member import MemberTraining
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.pack import Pack
from bridle.engine.process import flushed, threads
from bridle.engine.setting import Setting
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Fold, Mark


def plain_net(example, outputs):
    """A network whose examples do not meet, with odd widths and functions that have no exact instruction."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(example.numel(), 19),
        nn.Tanh(),
        nn.Dropout(0.2),
        nn.Linear(19, 16),
        nn.GELU(),
        nn.Dropout(0.1),
        nn.Linear(16, outputs),
    )


def even_net(example, outputs):
    """A network with widths that fill vectors."""
    wide = (example.numel(), 32, 16, outputs)
    return nn.Sequential(nn.Flatten(), nn.Linear(*wide[:2]), nn.ReLU(), nn.Linear(*wide[1:3]), nn.Linear(*wide[2:]))


class Block(nn.Module):
    """``x + W relu(norm(x))`` with batch normalisation."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.dense, self.drop = nn.BatchNorm1d(width), nn.Linear(width, width), nn.Dropout(0.1)

    def forward(self, x):
        return x + self.drop(self.dense(torch.relu(self.norm(x))))


def normed_net(example, outputs):
    """A residual network with batch normalisation."""
    return nn.Sequential(nn.Flatten(), nn.Linear(example.numel(), 24), Block(24), Block(24), nn.Linear(24, outputs))


@pytest.fixture
def nets():
    return {"plain": plain_net, "even": even_net, "normed": normed_net}


@pytest.fixture
def marks():
    """Folds of 96 rows whose training parts differ in size by one, as those of a cross-validation do."""

    def make(number, rows=96):
        found = np.full(rows, Mark.TRAIN, dtype=np.int8)
        found[number * 12 : number * 12 + 20 + number % 2] = Mark.SCORE
        found[-8:] = Mark.WATCH
        return Fold(number, found)

    return make


@pytest.fixture
def crowd(marks):
    """Makes ``count`` members from recipes: each on four folds, with a learning rate of its own for each recipe."""

    def make(recipes, count, **training):
        settings = {"epochs": 2, "batch_size": 16} | training
        found = []
        for number in range(count):
            recipe = recipes[number // 4 % len(recipes)]
            own = Training(**{"learning_rate": 0.01 * (1 + number // 4 % 3)} | settings)
            member = Member(number, Recipe(*recipe, training=own), marks(number % 4), number // 20, keep=True)
            found.append(member)
        return found

    return make


@pytest.fixture
def shared():
    def make(dataset, model, **others):
        return Setting(dataset, metrics.default(dataset.layout.task), model, **others)

    return make


@pytest.fixture
def trained():
    """Trains a pack to its end, slots taken out as they end; gives weights and curves by candidate."""

    def to_the_end(members, setting, *, fills=True, spare=False, states=None):
        averages = max(len(member.recipe.of(Averaging)) for member in members)
        pack = Pack(setting, Kind(members[0], setting), averages, fills=fills, spare=spare)
        for member in members:
            pack.join(member, (states or {}).get(member.candidate))
        found = {}
        with threads(1), flushed():
            pack.arrange()
            while pack.slots:
                pack.train_epoch()
                ended = [slot for slot in pack.slots if slot.failure or slot.course.rests]
                for slot in ended:
                    found[slot.course.member.candidate] = (pack.weights(slot), slot.course.series)
                    pack.slots.remove(slot)
                if pack.slots and ended:
                    pack.arrange()
        return found

    return to_the_end


@pytest.fixture
def by_itself():
    def train(member, setting):
        with threads(1), flushed():
            training = MemberTraining(member, setting)
            while not training.course.rests:
                training.train_epoch()
        return training

    return train
