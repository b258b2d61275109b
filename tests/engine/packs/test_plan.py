"""Who trains with whom, and how that is found out and remembered."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from bridle.core import Recipe, Training
from bridle.engine.outcomes import keep
from bridle.engine.packs import plan as module
from bridle.engine.packs import verdict as judging
from bridle.engine.packs.kind import signature
from bridle.engine.packs.plan import plan
from bridle.engine.packs.probe import bytes_each, differs, needs_spare
from bridle.engine.packs.verdict import Verdict, verdict
from bridle.records import Curves, Outcome
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.updates import SAM


class Lost(nn.Module):
    """Rebinds a buffer, which stacking loses without a word."""

    def __init__(self, example, outputs):
        super().__init__()
        self.dense = nn.Linear(example.numel(), outputs)
        self.register_buffer("mean", torch.zeros(example.numel()))

    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
        return self.dense(x - self.mean)


class Recurrent(nn.Module):
    """An LSTM, for which stacking has no rule."""

    def __init__(self, example, outputs):
        super().__init__()
        self.cell, self.head = nn.LSTM(1, 4, batch_first=True), nn.Linear(4, outputs)

    def forward(self, x):
        return self.head(self.cell(x[:, :, None])[0][:, -1])


class Functional(nn.Module):
    """Drops by itself, from the global generator."""

    def __init__(self, example, outputs):
        super().__init__()
        self.dense = nn.Linear(example.numel(), outputs)

    def forward(self, x):
        return self.dense(nn.functional.dropout(x, 0.5, self.training))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BRIDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def known(monkeypatch):
    """Every kind shares packs of eight, or what the test says; a step of a member takes a millisecond."""

    def verdict(**values):
        found = Verdict(**({"together": True, "size": 8, "alone": 2e-3, "step": 1e-3} | values))
        monkeypatch.setattr(module, "verdict", lambda *_: found)
        monkeypatch.setattr(module, "seconds_alone", lambda *_: found.alone)

    return verdict


@pytest.mark.parametrize("model", [Lost, Recurrent, Functional])
def test_what_does_not_stack_is_noticed(model, table, shared, crowd):
    (member,) = crowd([()], 1)
    assert all(differs(member, shared(table(), model), fills=fills) for fills in (True, False))


def test_batch_normalisation_stacks_but_is_not_filled_up(table, shared, crowd, nets):
    (member,) = crowd([()], 1)
    setting = shared(table(), nets["normed"])
    assert "becomes something else" in differs(member, setting, fills=True)
    assert differs(member, setting, fills=False) == ""
    assert differs(member, shared(table(), nets["plain"]), fills=True) == ""
    assert needs_spare(member, shared(table(), nets["even"]), fills=True) is False


def test_bytes_of_a_member(table, shared, crowd, nets):
    (member,) = crowd([()], 1)
    weights = 4 * 32 + 32 + 32 * 16 + 16 + 16 * 3 + 3
    assert 16 * weights < bytes_each(member, shared(table(), nets["even"])) < 16 * weights + 2**15


def test_a_verdict_is_found_once_and_then_known(table, shared, crowd, nets, cache, monkeypatch):
    (member,) = crowd([()], 1)
    setting = shared(table(), nets["even"])
    first = verdict(member, setting, signature(member, setting), 2)
    assert first.alone > 0
    (file,) = (cache / "verdicts").iterdir()
    assert json.loads(file.read_text())["together"] == first.together
    monkeypatch.setattr(judging, "_judge", None)
    assert verdict(member, setting, signature(member, setting), 2) == first
    with pytest.raises(TypeError, match="not callable"):
        verdict(member, setting, signature(member, setting), 3)
    file.write_text("no json")
    with pytest.raises(TypeError, match="not callable"):
        verdict(member, setting, signature(member, setting), 2)


def test_convolutions_on_a_processor_train_by_themselves(images, shared, crowd, conv):
    (member,) = crowd([()], 1)
    setting = shared(images(rows=96), conv)
    found = verdict(member, setting, signature(member, setting), 1)
    assert (found.together, found.reason) == (False, "convolutions on a processor gain nothing from a pack")


def asked(tasks):
    return sorted(member.candidate for task in tasks for member in task.members)


def test_members_of_one_kind_share_tasks(table, shared, crowd, nets, known):
    known()
    setting = shared(table(), nets["plain"])
    members = crowd([(), (L2(0.1),)], 40, epochs=2)
    tasks = plan(members, setting, 2, apart=False, running=False)
    assert [len(task.members) for task in tasks] == [8] * 5
    assert {task.size for task in tasks} == {8}
    assert asked(tasks) == list(range(40))
    tasks = plan(members, setting, 2, apart=False, running=True)
    assert [len(task.members) for task in tasks] == [7, 7, 7, 7, 6, 6]


def test_long_work_is_divided_among_workers(table, shared, crowd, nets, known):
    known(step=1.0)
    setting = shared(table(), nets["plain"])
    tasks = plan(crowd([()], 40), setting, 4, apart=False, running=False)
    assert len(tasks) == 8
    assert tasks[0].seconds >= tasks[-1].seconds > 0


def test_who_may_stop_early_waits_for_a_place(table, shared, crowd, nets, known):
    known(step=1.0)
    setting = shared(table(), nets["plain"])
    tasks = plan(crowd([(EarlyStopping(2),)], 40), setting, 2, apart=False, running=False)
    assert [(len(task.members), task.size) for task in tasks] == [(20, 8), (20, 8)]


def test_kinds_do_not_mix(table, shared, crowd, nets, known):
    """Other noise, another optimizer, what trains by itself."""
    known()
    setting = shared(table(), nets["plain"])
    members = crowd([(), (Dropout(0.1),), (SAM(0.1),)], 12)
    sgd = Recipe(training=Training(optimizer="sgd", batch_size=16))
    members[0] = dataclasses.replace(members[0], recipe=sgd)
    tasks = plan(members, setting, 1, apart=False, running=False)
    kinds = [{member.candidate for member in task.members} for task in tasks]
    assert {1, 2, 3} in kinds
    assert {4, 5, 6, 7} in kinds
    assert {0} in kinds
    assert [task.size for task in tasks if {8, 9, 10, 11} & {member.candidate for member in task.members}] == [0] * 4


def test_apart_means_apart(table, shared, crowd, nets, known):
    known()
    tasks = plan(crowd([()], 6), shared(table(), nets["plain"]), 2, apart=True, running=False)
    assert [(len(task.members), task.size) for task in tasks] == [(1, 0)] * 6


def test_the_finished_come_first(table, shared, crowd, nets, known, tmp_path):
    known()
    setting = shared(table(), nets["plain"], folder=tmp_path / "members")
    members = crowd([()], 6)
    for member in members[:2]:
        keep(member, setting, Outcome(member.candidate, 0, 0, Curves()), None, dict)
    tasks = plan(members, setting, 2, apart=False, running=False)
    assert [member.candidate for member in tasks[0].members] == [0, 1]
    assert tasks[0].seconds == 0
    assert asked(tasks) == list(range(6))
