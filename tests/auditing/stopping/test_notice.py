"""A framework that stops early is heard of once it is imported, and is put back."""

import sys

import pytest

from bridle.auditing.script import audit_script
from bridle.auditing.stopping import notice
from bridle.auditing.witnessed import Stopper
from bridle.records import Severity

FRAMEWORK = """
import copy

class Patience:
    def __init__(self, restore=False):
        self.best, self.values, self.waited, self.saved, self.restore = None, [], 0, None, restore

    def check(self, value):
        better = not self.values or value < min(self.values)
        self.waited = 0 if better else self.waited + 1
        self.values.append(value)
        if self.waited == 2:
            raise StopIteration

class Saver:
    def __init__(self, lasts):
        self.lasts = lasts

    def save(self, model):
        self.held = copy.deepcopy(model.state_dict())

class Trainer:
    def __init__(self, patience, saver=None):
        self.patience, self.saver = patience, saver

    def fit(self, epoch, epochs):
        try:
            for _ in range(epochs):
                model, value = epoch()
                try:
                    self.patience.check(value)
                finally:
                    if self.saver is not None:
                        self.saver.save(model)
        except StopIteration:
            pass
"""
SCRIPT = """
import copy, torch
from torch import nn
from toy_framework import Patience, Saver, Trainer
model = nn.Linear(1, 1, bias=False)
nn.init.zeros_(model.weight)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
rows = torch.full((4, 1), 2.0)

def evaluate():
    with torch.no_grad():
        return float((model.eval()(rows) - 6).abs().mean())  # no loss of torch's: the framework knows it

def epoch():  # each epoch adds 1 to the weight: the value is least after the third
    optimizer.zero_grad()
    (-model.train()(torch.ones(2, 1))).mean().backward()
    optimizer.step()
    value = evaluate()
    {each}
    return model, value

trainer = Trainer(Patience(), {saver})
trainer.fit(epoch, {epochs})
{end}
"""


class Toy:
    """The framework above."""

    modules = ("toy_framework",)

    def trainings(self, module):
        return [(module.Trainer, "fit")]

    def checks(self, module):
        return [(module.Patience, "check"), (module.Patience, "absent")]

    def saves(self, module):
        return [(module.Saver, "save")]

    def lasts(self, saver):
        return saver.lasts

    def improved(self, callback):
        return callback.waited == 0

    def callbacks(self, trainer):
        return [trainer.patience] if trainer.patience.waited == 2 else []

    def stopper(self, trainer, callback, phase):
        values = callback.values
        saved = trainer.saver is not None and trainer.saver.lasts
        return Stopper("Toy's patience", "value", min(values), values[-1], callback.waited, phase, saved, "Restore")


@pytest.fixture
def findings(tmp_path, monkeypatch):
    monkeypatch.setattr(notice, "FRAMEWORKS", (Toy(),))

    def look(saver="None", epochs=9, each="pass", end="pass"):
        (tmp_path / "toy_framework.py").write_text(FRAMEWORK)
        path = tmp_path / "train.py"
        path.write_text(SCRIPT.format(saver=saver, epochs=epochs, each=each, end=end))
        traced = audit_script(path, epochs=1000)
        assert traced.notes == ()
        del sys.modules["toy_framework"]
        return [one for one in traced.findings if one.name == "best_weights_not_restored"]

    return look


def test_the_last_weights(findings):
    (finding,) = findings()
    assert finding.severity is Severity.WARNING
    assert finding.numbers == {"monitor": "value", "best": 0.0, "last": 4.0, "validations_since": 2}
    assert finding.message.startswith("Toy's patience stopped the training and left the model with its last weights: ")
    assert "value 4 instead of 0, 2 validations after the best one. The weights of that one were not" in finding.message


def test_a_copy_that_the_next_one_replaces_is_none(findings):
    assert [one.severity for one in findings("Saver(False)")] == [Severity.WARNING]


@pytest.mark.parametrize("end", ["evaluate()", "copy.deepcopy(model)"])
def test_saved_but_the_last_ones_are_used(findings, end):
    (finding,) = findings("Saver(True)", end=end)
    assert finding.severity is Severity.INFO
    assert "are in a file that nothing loaded, and the last ones were used. Restore." in finding.message


@pytest.mark.parametrize(
    "lines",
    [
        {"saver": "Saver(True)"},
        {"epochs": 4},
        {"epochs": 3},
        {"each": "kept = copy.deepcopy(model.state_dict()) if value == 0 else None"},
        {"saver": "Saver(True)", "end": "model.load_state_dict(trainer.saver.held); evaluate()"},
        {"saver": "Saver(True)", "end": "other = nn.Linear(1, 1, bias=False); other.load_state_dict("
         "trainer.saver.held); evaluate()"},
        {"end": "model.weight.data.fill_(3.0)"},
        {"end": "epoch(); evaluate()"},
    ],
    ids=["saved", "patience goes on", "never worse", "kept by hand", "loaded", "loaded elsewhere", "set", "trained on"],
)  # fmt: skip
def test_others_pass(findings, lines):
    assert findings(**lines) == []


def test_several_trainings_are_one_finding(findings):
    end = "model = nn.Linear(1, 1, bias=False); nn.init.constant_(model.weight, 0.5)\n"
    end += "optimizer = torch.optim.SGD(model.parameters(), lr=1.0)\nfirst, trainer = trainer, Trainer(Patience())\n"
    (finding,) = findings(end=f"{end}trainer.fit(epoch, 9)")
    assert (finding.numbers["best"], finding.numbers["last"]) == (1.0, 3.0)


def test_a_best_value_without_a_validation(findings, monkeypatch):
    stopper = Toy.stopper
    monkeypatch.setattr(Toy, "stopper", lambda toy, trainer, callback, _: stopper(toy, trainer, callback, 99))
    assert findings() == []


def test_the_classes_are_put_back(tmp_path, monkeypatch):
    from bridle.auditing.evaluations import Evaluations
    from bridle.auditing.loaders import Loaders
    from bridle.auditing.witnessed import Witnessed

    monkeypatch.setattr(notice, "FRAMEWORKS", (Toy(),))
    (tmp_path / "toy_framework.py").write_text(FRAMEWORK)
    monkeypatch.syspath_prepend(tmp_path)
    with notice.Stoppings(Evaluations(Witnessed(), Loaders())).noticed():
        import toy_framework

        wrapped = toy_framework.Trainer.fit
    assert toy_framework.Trainer.fit is wrapped.__wrapped__
    del sys.modules["toy_framework"]
