"""Training to the end: interrupted and resumed, failing, and leaving the process as it was."""

import dataclasses
import errno
import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bridle.core import Recipe, Training
from bridle.engine import checkpoint
from bridle.engine import train as module
from bridle.engine.member import MemberTraining
from bridle.engine.outcomes import finished, kept_weights
from bridle.engine.process import threads
from bridle.engine.train import train
from bridle.errors import ModelError, RunError, StorageError
from bridle.population import Crew, Member, Task
from bridle.records import Severity
from bridle.regularizers.augment import Mixup
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping

SCRIPT = Path(__file__).with_name("killed_training.py")


@pytest.fixture(scope="module")
def killed():
    spec = importlib.util.spec_from_file_location("killed_training", SCRIPT)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def member(fold):
    def make(*regularizers, rows=96, seed=0, candidate=0, keep=True, **settings):
        settings = {"epochs": 4, "batch_size": 16} | settings
        recipe = Recipe(*regularizers, training=Training(**settings))
        return Member(candidate, recipe, fold(rows, score=16, watch=16), seed, keep=keep)

    return make


class Interrupted(BaseException):
    """Stands for what ends a process at any moment."""


@pytest.mark.parametrize("kind", ["table", "images"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_interrupted_after_any_epoch_and_resumed_is_the_same(
    kind, optimizer, table, images, conv, member, setting, tmp_path, monkeypatch, assert_same
):
    dataset, model = (table(), None) if kind == "table" else (images(rows=96), conv)
    regularizers = (EMA(0.9), EarlyStopping(9), Dropout(0.3), Mixup(0.4), L1(1e-3))
    one = member(*regularizers, optimizer=optimizer, learning_rate=0.02, seed=5)
    undisturbed = setting(dataset, model, folder=tmp_path / "undisturbed")
    expected = train(one, undisturbed)
    disturbed = setting(dataset, model, folder=tmp_path / "disturbed")
    epoch = MemberTraining.train_epoch

    def once(training):
        epoch(training)
        trained.append(training.course.epoch)
        if not training.course.finished:
            checkpoint.write(disturbed.folder / f"{one.name}.checkpoint", *training.state())
            raise Interrupted

    trained: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(MemberTraining, "train_epoch", once)
        for _ in range(3):
            with pytest.raises(Interrupted):
                train(one, disturbed)
        found = train(one, disturbed)
    assert trained == [1, 2, 3, 4]
    assert found.curves == expected.curves
    assert (found.stopped, found.steps, found.findings) == (expected.stopped, expected.steps, ())
    assert_same(kept_weights(one, disturbed), kept_weights(one, undisturbed))
    assert sorted(file.suffix for file in disturbed.folder.iterdir()) == [".json", ".safetensors", ".scored"]


@pytest.mark.parametrize("epochs", [pytest.param((1,)), pytest.param((0, 4, 11, 23), marks=pytest.mark.slow)])
def test_killed_for_real_and_resumed_is_the_same(epochs, killed, tmp_path, assert_same):
    """SIGKILL at several moments of a process of its own; the last time it is resumed here."""
    one, disturbed = killed.member(), killed.setting(tmp_path / "killed")
    file = disturbed.folder / f"{one.name}.checkpoint"
    for least in epochs:
        process = subprocess.Popen([sys.executable, str(SCRIPT), str(disturbed.folder)])
        while process.poll() is None and not (file.exists() and checkpoint.read(file)[1]["epoch"] > least):
            time.sleep(0.005)
        assert process.poll() is None
        process.kill()
        process.wait()
    assert finished(one, disturbed) is None
    undisturbed = killed.setting(tmp_path / "undisturbed")
    outcome, expected = train(one, disturbed), train(one, undisturbed)
    assert (outcome.curves, outcome.findings) == (expected.curves, ())
    assert_same(kept_weights(one, disturbed), kept_weights(one, undisturbed))


@pytest.mark.parametrize("damage", ["truncated", "of another network", "of another recipe"])
def test_a_checkpoint_that_cannot_be_used_costs_time_only(
    damage, table, wide, line, member, setting, tmp_path, assert_same
):
    one, other = member(L1(1e-3), EMA(0.9)), member()
    expected, shared = (setting(table(), wide, folder=tmp_path / name) for name in ("expected", "shared"))
    outcome = train(one, expected)
    file = shared.folder / f"{one.name}.checkpoint"
    model = line if damage == "of another network" else wide
    begun = MemberTraining(other if damage == "of another recipe" else one, setting(table(), model))
    begun.train_epoch()
    checkpoint.write(file, *begun.state())
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-9])
    found = train(one, shared)
    assert found.curves == outcome.curves
    assert_same(kept_weights(one, shared), kept_weights(one, expected))
    (finding,) = found.findings
    assert (finding.name, finding.severity) == ("damaged_checkpoint", Severity.WARNING)
    assert finding.message.endswith("the member was trained from the start.")


def test_finished_work_is_not_done_twice(table, wide, member, setting, tmp_path, monkeypatch):
    one, shared = member(), setting(table(), wide, folder=tmp_path)
    first = train(one, shared)
    monkeypatch.setattr(module, "MemberTraining", None)
    assert train(one, shared) == finished(one, shared) == first


def test_another_recipe_of_the_same_number_is_trained(table, wide, member, setting, tmp_path):
    """A file is never taken for that of another recipe, fold or set of kept files."""
    shared = setting(table(), wide, folder=tmp_path)
    train(member(), shared)
    assert finished(member(L1(1e-3)), shared) is None
    assert finished(member(keep=False), shared) is None
    assert finished(member(), shared) is not None


def test_a_damaged_outcome_is_refused(table, wide, member, setting, tmp_path):
    one, shared = member(), setting(table(), wide, folder=tmp_path)
    train(one, shared)
    file = tmp_path / f"{one.name}.json"
    file.write_text(file.read_text()[:-20])
    with pytest.raises(RunError, match=r"is not valid JSON .*changed by hand or damaged"):
        train(one, shared)


@pytest.mark.parametrize("written", ["checkpoint", "outcome"])
def test_a_full_disk_ends_with_a_storage_error_and_can_be_resumed(
    written, table, wide, member, setting, tmp_path, monkeypatch, assert_same
):
    one, shared = member(), setting(table(), wide, folder=tmp_path / "full")
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_, **__):
        raise full

    with monkeypatch.context() as patched:
        target = "bridle.engine.checkpoint.save_file" if written == "checkpoint" else "pathlib.Path.write_text"
        patched.setattr(target, fail)
        with pytest.raises(StorageError, match=r"could not be written: .*No space left.*Free some space and resume"):
            train(one, shared)
    assert finished(one, shared) is None
    assert not list(shared.folder.glob("*.part"))
    outcome = train(one, shared)
    other = setting(table(), wide, folder=tmp_path / "other")
    assert outcome.curves == train(one, other).curves
    assert_same(kept_weights(one, shared), kept_weights(one, other))


def test_a_loss_that_becomes_nan_ends_the_member_with_a_finding(table, wide, member, setting, tmp_path):
    calls = []

    def loss(output, target):
        calls.append(1)
        return nn.functional.cross_entropy(output, target, reduction="none") * (np.nan if len(calls) == 6 else 1)

    one = member(candidate=7, learning_rate=0.01)
    outcome = train(one, setting(table(), wide, loss=loss, folder=tmp_path))
    assert outcome.failure == "the data loss became nan at step 6 (epoch 2)"
    (finding,) = outcome.findings
    assert (finding.name, finding.severity) == ("nan_loss", Severity.ERROR)
    assert finding.numbers["step"] == outcome.steps == 6
    assert "(candidate 7, fold 0, seed 0): the member was stopped. A smaller training.learning_rate" in finding.message
    assert outcome.curves.epochs == 1
    assert [file.suffix for file in tmp_path.iterdir()] == [".json"]
    assert finished(one, setting(table(), wide, folder=tmp_path)).findings == outcome.findings


def test_weights_that_become_nan_in_the_last_step_are_found(table, wide, member, setting):
    """Every loss was finite; the network's predictions no longer are."""
    calls = []

    class Poisoned(torch.autograd.Function):
        @staticmethod
        def forward(_, x):
            return x.clone()

        @staticmethod
        def backward(_, gradient):
            calls.append(1)
            return gradient * (torch.nan if len(calls) == 4 else 1.0)

    def loss(output, target):
        return nn.functional.cross_entropy(Poisoned.apply(output), target, reduction="none")

    outcome = train(member(), setting(table(), wide, loss=loss))
    assert outcome.failure == "a prediction became nan at step 4 (epoch 1)"
    assert [finding.name for finding in outcome.findings] == ["nan_loss"]


def test_a_network_that_raises_fails_alone(table, wide, member, setting, tmp_path):
    class Faulty(wide):
        def forward(self, x):
            if self.training and x.requires_grad is False and len(x) == 15:
                raise KeyError("the user's own")
            return super().forward(x)

    shared = setting(table(), Faulty, folder=tmp_path)
    failed, fine = train(member(batch_size=15), shared), train(member(), shared)
    assert failed.failure == 'KeyError: "the user\'s own"'
    assert (fine.failure, fine.curves.epochs) == (None, 4)


def test_a_loss_of_the_wrong_shape_is_the_users_to_mend(table, wide, member, setting):
    shared = setting(table(), wide, loss=lambda output, _: output.mean())
    with pytest.raises(ModelError, match=r"one value per example, shape \(16,\); got \(\)"):
        train(member(), shared)


def test_only_members_with_a_folder_are_kept(table, wide, member, setting):
    with pytest.raises(ValueError, match="Only members of a setting with a folder are kept"):
        kept_weights(member(), setting(table(), wide))


def test_the_process_is_left_as_it_was(table, member, setting):
    """Global generators and the treatment of denormal numbers, also by a network with randomness of its own."""

    class Random(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(4, 3)

        def forward(self, x):
            return self.net(nn.functional.dropout(x, 0.5, self.training))

    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global generator is what is watched
    random.seed(1)
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    one = train(member(), setting(table(), Random))
    after = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert str(before[1:]) == str(after[1:])
    assert torch.tensor(1e-310, dtype=torch.float64) * 1 > 0
    torch.manual_seed(2)
    assert train(member(), setting(table(), Random)).curves == one.curves


def test_denormal_numbers_are_flushed_while_training(table, wide, member, setting):
    seen = []

    def loss(output, target):
        seen.append((torch.tensor(1e-310, dtype=torch.float64) * 1).item())
        return nn.functional.cross_entropy(output, target, reduction="none")

    train(member(epochs=1), setting(table(), wide, loss=loss))
    assert set(seen) == {0.0}


@pytest.mark.slow
def test_in_workers_a_member_is_the_same_as_alone(images, setting, fold, tmp_path, assert_same):
    """Trained in a worker and here in another order, against one after another here."""
    recipe = Recipe(Dropout(0.2), EMA(0.9), Mixup(0.3), L2(1e-2), training=Training(epochs=2, batch_size=8))
    members = [Member(number, recipe, fold(24, score=6, number=number), number, keep=True) for number in range(4)]
    alone, shared = (setting(images(rows=24), folder=tmp_path / name) for name in ("alone", "shared"))
    expected = {number: train(member, alone).curves for number, member in enumerate(members)}

    def work(task):
        with threads(1):
            return [(member, train(member, shared)) for member in task.members]

    team = Crew(work, lambda members, *_: [Task((member,), 10.0) for member in members], 2)
    try:
        curves = {member.candidate: outcome.curves for member, outcome in team(members[::-1])}
    finally:
        team.dismiss()
    assert curves == expected
    for member in members:
        assert_same(kept_weights(member, shared), kept_weights(member, alone))


@pytest.mark.parametrize("pauses", [(1,), (1, 2, 3), (2, 2)])
def test_paused_and_gone_on_with_is_the_same(pauses, table, member, setting, tmp_path, assert_same):
    one = member(EMA(0.9), EarlyStopping(9), Dropout(0.3), L1(1e-3), learning_rate=0.02)
    straight = setting(table(), folder=tmp_path / "straight")
    paused = setting(table(), folder=tmp_path / "paused")
    expected = train(one, straight)
    for until in pauses:
        outcome = train(dataclasses.replace(one, until=until), paused)
        assert outcome.curves.epochs == until
        assert finished(one, paused) is None
        for name, values in outcome.curves.series.items():
            assert values == expected.curves.series[name][:until]
    outcome = train(dataclasses.replace(one, until=9), paused)
    assert outcome.curves == expected.curves
    assert_same(kept_weights(one, paused), kept_weights(one, straight))
    assert not list(paused.folder.glob("*.checkpoint"))


def test_a_member_may_start_from_the_weights_of_another(table, member, setting, tmp_path):
    shared = setting(table(), folder=tmp_path)
    first = member(epochs=2)
    train(first, shared)
    second = dataclasses.replace(member(epochs=2, candidate=1), warm=first.name)
    started = MemberTraining(second, shared)
    for name, value in started.model.state_dict().items():
        assert torch.equal(value, kept_weights(first, shared)[name])
    assert second.name != dataclasses.replace(second, warm="").name
