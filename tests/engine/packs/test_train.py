"""Training in packs to the end: files, pauses, resumption, and what goes wrong."""

import dataclasses

import pytest
import torch
from torch import nn

from bridle.core import Recipe, Training
from bridle.engine import checkpoint, scored
from bridle.engine.outcomes import finished, kept_weights
from bridle.engine.packs import train as module
from bridle.engine.packs.pack import Pack
from bridle.engine.packs.train import train_together
from bridle.engine.process import threads
from bridle.engine.train import train
from bridle.errors import ScopeError
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping

RECIPES = [(Dropout(0.2), L2(1e-3)), (Dropout(0.1), L1(1e-3), EMA(0.9)), (Dropout(0.3), EarlyStopping(1))]


@pytest.fixture
def together():
    def run(members, setting, size=40):
        with threads(1):
            return {member.candidate: outcome for member, outcome in train_together(members, setting, size=size)}

    return run


@pytest.fixture
def folder(shared, table, nets, tmp_path):
    """Makes settings with a folder of their own."""
    return lambda name: shared(table(), nets["plain"], folder=tmp_path / name)


def same_outcome(one, other):
    return dataclasses.replace(one, seconds=0.0) == dataclasses.replace(other, seconds=0.0)


def test_each_leaves_what_training_by_itself_leaves(crowd, folder, together):
    members = [dataclasses.replace(member, keep=member.candidate == 4) for member in crowd(RECIPES, 12, epochs=3)]
    packed, alone = folder("packed"), folder("alone")
    outcomes = together(members, packed, size=5)
    assert sorted(outcomes) == list(range(12))
    for member in members:
        expected, outcome = train(member, alone), outcomes[member.candidate]
        assert same_outcome(finished(member, packed), outcome)
        assert (outcome.stopped, outcome.steps) == (expected.stopped, expected.steps)
        assert outcome.curves.series.keys() == expected.curves.series.keys()
        assert outcome.curves.series["score"] == pytest.approx(expected.curves.series["score"], rel=1e-3)
        rows, predicted = scored.read(member, packed)
        assert predicted.shape == scored.read(member, alone)[1].shape
        assert list(rows) == list(scored.read(member, alone)[0])
    suffixes = sorted({file.suffix for file in packed.folder.iterdir()})
    assert suffixes == [".json", ".safetensors", ".scored"]
    kept = kept_weights(members[4], packed)
    for name, value in kept_weights(members[4], alone).items():
        torch.testing.assert_close(kept[name], value, rtol=1e-2, atol=1e-4)
    assert outcomes[4].residual == pytest.approx(train(members[4], alone).residual, rel=0.05)


def test_a_pause_and_a_resumption_in_other_company(crowd, folder, together, assert_same):
    members = crowd(RECIPES[:2], 8, epochs=4)
    straight, paused = folder("straight"), folder("paused")
    together(members, straight)
    outcomes = together([dataclasses.replace(member, until=2) for member in members], paused, size=3)
    assert {outcome.curves.epochs for outcome in outcomes.values()} == {2}
    together(members[::-1], paused, size=5)
    for member in members:
        assert_same(kept_weights(member, paused), kept_weights(member, straight))
        assert finished(member, paused).curves == finished(member, straight).curves


def test_interrupted_it_goes_on_from_its_checkpoints(crowd, folder, together, assert_same, monkeypatch):
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    members = crowd(RECIPES[:2], 6, epochs=4)
    straight, broken = folder("straight"), folder("broken")
    together(members, straight)
    epochs, train_epoch = [], Pack.train_epoch

    def twice(pack):
        if len(epochs) == 2:
            raise KeyboardInterrupt
        epochs.append(train_epoch(pack))

    with monkeypatch.context() as patched:
        patched.setattr(Pack, "train_epoch", twice)
        with pytest.raises(KeyboardInterrupt):
            together(members, broken)
    assert len(list(broken.folder.glob("*.checkpoint"))) == 6
    damaged = broken.folder / f"{members[3].name}.checkpoint"
    damaged.write_bytes(b"none")
    outcomes = together(members, broken)
    for member in members:
        assert_same(kept_weights(member, broken), kept_weights(member, straight))
    assert [finding.name for finding in outcomes[3].findings] == ["damaged_checkpoint"]
    assert not outcomes[2].findings
    assert not list(broken.folder.glob("*.checkpoint"))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.")]
)
def test_a_pack_that_does_not_fit_into_memory_is_split(error, crowd, folder, together, assert_same, monkeypatch):
    members = crowd(RECIPES, 10)
    large, small = folder("large"), folder("small")
    together(members, large)
    train_epoch, tried = Pack.train_epoch, []

    def limited(pack):
        tried.append(len(pack.slots))
        if len(pack.slots) > 3:
            raise error
        train_epoch(pack)

    monkeypatch.setattr(Pack, "train_epoch", limited)
    assert sorted(together(members, small)) == list(range(10))
    assert tried[:3] == [10, 5, 3]
    for member in members:
        assert_same(kept_weights(member, small), kept_weights(member, large))


def test_an_error_of_the_users_ends_only_the_member_that_it_belongs_to(crowd, shared, table, tmp_path, together):
    class Picky(nn.Module):
        def __init__(self, example, outputs):
            super().__init__()
            self.dense = nn.Linear(example.numel(), outputs)
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            if self.training and self.calls > 6:
                raise ValueError("that is enough")
            return self.dense(x)

    members = [dataclasses.replace(member, keep=False) for member in crowd([()], 4, epochs=2)]
    long = dataclasses.replace(members[1], recipe=Recipe(training=Training(epochs=9, batch_size=16)))
    outcomes = together([members[0], long], shared(table(), Picky, folder=tmp_path))
    assert outcomes[0].failure is None or "enough" in outcomes[0].failure
    assert outcomes[1].failure == "ValueError: that is enough"


def test_what_diverges_says_so_and_the_others_go_on(crowd, folder, together):
    members = crowd([()], 5)
    wild = dataclasses.replace(members[2], recipe=Recipe(training=Training(learning_rate=1e30, batch_size=16)))
    outcomes = together([*members[:2], wild, *members[3:]], folder("wild"))
    assert "became" in outcomes[2].failure
    assert [finding.name for finding in outcomes[2].findings] == ["nan_loss"]
    assert not any(outcomes[number].failure for number in (0, 1, 3, 4))


def test_a_recipe_that_does_not_fit_is_an_error(crowd, folder, together):
    members = crowd([(), (L2(0.1, scope={"names": "nowhere"}),)], 8)
    with pytest.raises(ScopeError, match="nowhere"):
        together(members, folder("wrong"))


def test_a_full_disk_ends_the_work(crowd, folder, together, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "replace", full)
    with pytest.raises(OSError, match="Free some space"):
        together(crowd([()], 3), folder("full"))
