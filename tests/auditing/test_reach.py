"""What a step reaches, and what of it is put back."""

import itertools
import logging
import threading
from collections import Counter, deque
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from bridle.auditing.reach import reached
from bridle.auditing.undo import Undo

TOTAL = 0
TABLE = np.zeros(3)


class Trainer:
    """A step as a method, with what it counts."""

    def __init__(self):
        self.model = nn.Linear(4, 3)
        self.average = {name: weight.detach().clone() for name, weight in self.model.named_parameters()}
        self.steps, self.history, self.recent = 0, [], deque(maxlen=2)

    def __call__(self):
        self.steps += 1
        self.history.append(self.steps)
        self.recent.append(self.steps)
        self.note = "new"
        for value in self.average.values():
            value.mul_(0.5)


class Slotted:
    """Counts without a mapping of attributes."""

    __slots__ = ("count", "unset")

    def __init__(self):
        self.count = 0


def names(step):
    return [one.name for one in reached(step)]


def undo(step):
    """What puts back what ``step`` reaches."""
    model = nn.Linear(1, 1)
    return Undo(model, torch.optim.SGD(model.parameters(), 0.1), step)


def test_closures_defaults_globals_methods_and_partials():
    inner = SimpleNamespace()

    def step(flag=0.25, *, other="x"):
        return inner, flag, other, TOTAL, np, (lambda: TABLE)()

    found = {one.name: one for one in reached(step)}
    assert found["inner"].value is inner
    assert (found["default 0"].value, found["default 1"].value) == (0.25, "x")
    assert found["TOTAL"].restore is not None
    assert found["TABLE"].value is None  # the last of that name puts the numbers back
    assert names(partial(step, inner, key=2)).count("step().key") == 1
    assert "step().__self__.average['bias']" in names(Trainer().__call__)


def test_an_unbound_name_is_left_alone():
    def step():
        return later

    assert names(step) == []
    later = 1
    assert names(step) == ["later"]


def test_what_an_object_holds_is_put_back():
    trainer = Trainer()
    before = {name: value.clone() for name, value in trainer.average.items()}
    with undo(trainer):
        for _ in range(3):
            trainer()
    assert (trainer.steps, trainer.history, list(trainer.recent)) == (0, [], [])
    assert not hasattr(trainer, "note")
    assert all(torch.equal(value, before[name]) for name, value in trainer.average.items())


def test_counters_of_many_kinds_are_put_back():
    slotted, counts, total, sums = Slotted(), Counter(), torch.zeros(()), np.zeros(2)
    held, last = {"all": [SimpleNamespace(seen=0)]}, deque([7], maxlen=2)

    def step():
        global TOTAL
        TOTAL += 1
        TABLE[0] += 1
        slotted.count += 1
        counts["steps"] += 1
        total.add_(1)
        sums[1] += 1
        held["all"][0].seen += 1
        last.append(8)

    with undo(step):
        step()
        assert (TOTAL, slotted.count, counts["steps"], float(total), held["all"][0].seen) == (1, 1, 1, 1.0, 1)
    assert (TOTAL, slotted.count, counts["steps"], float(total), held["all"][0].seen) == (0, 0, 0, 0.0, 0)
    assert (TABLE.sum(), sums.sum(), list(last)) == (0.0, 0.0, [7])


def test_a_counter_that_cannot_be_put_back_is_said():
    ticks = itertools.count()

    def step():
        next(ticks)

    assert undo(step).unrestored[0] == "The iterator 'ticks' (count) moved on with each run of the step."


@pytest.mark.parametrize(("shape", "kept"), [((100, 100), True), ((100, 101), False), ((64, 64), True)])
def test_large_tensors_are_copied_only_when_they_are_like_a_weight(shape, kept):
    model, held = nn.Linear(100, 100), torch.zeros(shape)
    restores = [one.restore for one in reached(lambda: (model, held)) if one.value is None]
    assert (len(restores) == 1) is kept


def test_frozen_arrays_and_graphs_are_left_alone():
    fixed, weight = np.zeros(3), torch.ones(2, requires_grad=True)
    fixed.flags.writeable = False
    result = weight * 2
    assert not [one for one in reached(lambda: (fixed, weight, result)) if one.value is None]


def test_long_lists_are_data():
    many = [SimpleNamespace() for _ in range(1001)]
    assert names(lambda: many) == ["many"]
    del many[0]
    assert len(names(lambda: many)) > 1000


def test_objects_of_the_standard_library_are_left_alone():
    lock, log = threading.Lock(), logging.getLogger("a step")
    assert names(lambda: (lock, log)) == ["log", "lock"]


def test_attributes_that_stay_are_not_set_again():
    class Watched:
        def __init__(self):
            self.kept, self.changed = 1, 2

    watched = Watched()
    (restore,) = [one.restore for one in reached(lambda: watched) if one.name == "watched.__dict__"]
    watched.changed, watched.new = 3, 4
    del watched.kept
    restore()
    assert vars(watched) == {"changed": 2, "kept": 1}


def test_a_step_of_a_library_is_looked_into():
    held = SimpleNamespace()

    def step():
        return held

    step.__module__ = "bridle.job.run"
    assert "held" in names(step)
    assert "held" in names(partial(step, 1))
    assert "held" not in names(lambda: step)


def test_a_counter_called_step_is_put_back():
    step = 0

    def train():
        nonlocal step
        step += 1

    with undo(train):
        train()
        assert step == 1
    assert step == 0
