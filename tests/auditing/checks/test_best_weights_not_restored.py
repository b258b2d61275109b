"""A training that patience ended and that kept its last weights is found; whoever keeps the best ones passes."""

import pytest

from bridle.auditing import evaluations
from bridle.auditing.script import audit_script
from bridle.records import Severity

SCRIPT = """
import copy, torch
from torch import nn
model = nn.Linear(1, 1, bias=False)
nn.init.zeros_(model.weight)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
train_rows, rows, target = torch.ones(2, 1), torch.full((4, 1), 2.0), torch.full((4, 1), 6.0)

def run(epochs, patience):  # each epoch adds 1 to the weight: the loss is least after the third
    best_loss, wait, best = float("inf"), 0, None
    {before}
    for epoch in range(epochs):
        optimizer.zero_grad()
        (-model.train()(train_rows)).mean().backward()
        optimizer.step()
        with torch.no_grad():
            loss = nn.functional.mse_loss(model.eval()(rows), target).item()
        {each}
        if loss < best_loss:
            best_loss, wait = loss, 0
            {kept}
        else:
            wait += 1
        {stop}
    {after}
    return best

best = run(20, 2)
{end}
"""
PATIENCE = "if wait >= patience: break"


@pytest.fixture
def findings(tmp_path):
    """What is found of this kind in the script with some lines in it."""

    def look(stop=PATIENCE, epochs=1000, **lines):
        usual = dict.fromkeys(["before", "each", "kept", "after", "end"], "pass")
        path = tmp_path / "train.py"
        path.write_text(SCRIPT.format(stop=stop, **usual | lines))
        traced = audit_script(path, epochs=epochs)
        assert traced.notes == ()
        return [finding for finding in traced.findings if finding.name == "best_weights_not_restored"]

    return look


@pytest.mark.parametrize("stop", [PATIENCE, "if wait >= patience: return best"], ids=["break", "return"])
def test_the_last_weights_after_an_early_stop(findings, stop):
    (finding,) = findings(stop)
    assert finding.severity is Severity.WARNING
    assert finding.numbers == {"validations_since": 2, "loss": [0.0, 16.0]}
    assert "loss 16 instead of 0, 2 validations after the best one" in finding.message


def test_the_live_tensors_were_loaded(findings):
    (finding,) = findings(kept="best = model.state_dict()", end="model.load_state_dict(best)")
    assert finding.severity is Severity.ERROR
    assert "gave Linear its own live tensors after 5 evaluations: nothing was restored" in finding.message


@pytest.mark.parametrize(
    "lines",
    [
        {"kept": "best = copy.deepcopy(model.state_dict())", "end": "model.load_state_dict(best)"},
        {"kept": "best = copy.deepcopy(model)"},
        {"kept": "best = [weight.detach().clone() for weight in model.parameters()]"},
        {"kept": "torch.save(model.state_dict(), '/dev/null')"},
        {"end": "model.weight.data.fill_(3.0)"},
        {"stop": "pass"},
        {"before": "patience = 18", "stop": "if epoch + 1 >= patience: break"},
        {"stop": "if loss < 0.1: break"},
        {"epochs": 4},
    ],
    ids=[
        "restored",
        "copied",
        "cloned",
        "saved",
        "set by hand",
        "all epochs",
        "a budget",
        "a goal",
        "audit ended first",
    ],
)
def test_others_pass(findings, lines):
    assert findings(**lines) == []


def test_more_evaluations_than_are_noted(findings, monkeypatch):
    monkeypatch.setattr(evaluations, "MOST", 4)
    assert findings() == []
    monkeypatch.setattr(evaluations, "MOST", 5)
    assert len(findings()) == 1
