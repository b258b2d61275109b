"""Rows that choose and report are found; rows that do only one of both pass."""

import pytest

from bridle.auditing import evaluations
from bridle.auditing.checks import selected_on_test
from bridle.auditing.script import audit_script
from bridle.records import Severity

SCRIPT = """
import copy, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
model = nn.Linear(1, 1, bias=False)
nn.init.zeros_(model.weight)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

def loader(value):
    return DataLoader(TensorDataset(torch.full((4, 1), value), torch.full((4, 1), 3 * value)), batch_size=4)

loaders = {{"train": loader(1.0)}}
{name} = loader(2.0)
other = loader(4.0)

def score(rows):
    with torch.no_grad():
        return sum(nn.functional.mse_loss(model.eval()(x), y).item() for x, y in rows)

{before}
best_loss, best, wait = float("inf"), None, 0
for epoch in range(6):  # each epoch adds 1 to the weight: the loss is least after the third
    for x, _ in loaders["train"]:
        optimizer.zero_grad()
        (-model.train()(x)).mean().backward()
        optimizer.step()
    loss = score({name})
    if loss < best_loss:
        best_loss, wait = loss, 0
        {kept}
    else:
        wait += 1
    {each}
{end}
"""
COPIED = "best = copy.deepcopy(model.state_dict())"
RESTORED = "model.load_state_dict(best)"


@pytest.fixture
def findings(tmp_path):
    """What is found of this kind in the script with some lines in it."""

    def look(name="test_loader", epochs=1000, **lines):
        path = tmp_path / "train.py"
        path.write_text(SCRIPT.format(name=name, **dict.fromkeys(["before", "kept", "each", "end"], "pass") | lines))
        traced = audit_script(path, epochs=epochs)
        assert traced.notes == ()
        return [finding for finding in traced.findings if finding.name == "selected_on_test"]

    return look


@pytest.mark.parametrize(
    ("name", "severity"), [("test_loader", Severity.ERROR), ("rows", Severity.WARNING), ("valid", Severity.WARNING)]
)
def test_chosen_and_reported(findings, name, severity):
    (finding,) = findings(name, kept=COPIED, end=f"{RESTORED}; score({name})")
    assert finding.severity is severity
    assert finding.numbers == {"rows": 4, "evaluations": 7, "looks": 6}
    assert "weights that were best on them came back and were evaluated on them again" in finding.message


def test_a_new_model_takes_the_best_weights(findings):
    end = "model = nn.Linear(1, 1, bias=False); model.load_state_dict(best); score(test_loader)"
    (finding,) = findings(kept=COPIED, end=end)
    assert finding.severity is Severity.ERROR


def test_kept_at_each_improvement_on_test_rows(findings):
    (finding,) = findings(kept="torch.save(model.state_dict(), '/dev/null')")
    assert finding.severity is Severity.WARNING
    assert "weights were kept whenever they were better on them" in finding.message


def test_stopped_on_test_rows(findings):
    (finding,) = findings(each="if wait == 2: break")
    assert "training stopped early on them" in finding.message


@pytest.mark.parametrize(
    "lines",
    [
        {"name": "val_loader", "kept": COPIED, "end": RESTORED},
        {"kept": COPIED, "end": f"{RESTORED}; score(test_loader); score(other)"},
        {"end": "score(test_loader)"},
        {"kept": COPIED, "each": COPIED},
        {"end": "torch.save(model.state_dict(), '/dev/null')"},
        {"kept": COPIED, "end": f"{RESTORED}; score(test_loader)", "epochs": 3},
        {"each": "optimizer.param_groups[0]['lr'] = float(epoch < 2)", "end": "score(test_loader)"},
        {"before": "val_loader = test_loader", "kept": COPIED},
    ],
    ids=[
        *["a validation set", "another set", "not chosen", "always kept", "kept at the end", "audit ended first"],
        *["weights that stay as they are", "rows of two names"],
    ],
)
def test_others_pass(findings, lines):
    assert findings(**lines) == []


def test_more_evaluations_than_are_noted(findings, monkeypatch):
    for module in (evaluations, selected_on_test):
        monkeypatch.setattr(module, "MOST", 7)
    assert findings(kept=COPIED, end=f"{RESTORED}; score(test_loader); score(other)") == []


SEVERAL = """
import copy, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def loader(value):
    return DataLoader(TensorDataset(torch.full((4, 1), value), torch.full((4, 1), 3 * value)), batch_size=4)

train_loader, {name}, other = loader(1.0), loader(2.0), loader(4.0)

def score(model, rows):
    with torch.no_grad():
        return sum(nn.functional.mse_loss(model.eval()(x), y).item() for x, y in rows)

def train(lr):  # the weight becomes lr: 3 is best
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for x, _ in train_loader:
        (-model.train()(x)).mean().backward()
        optimizer.step()
    return model

def main():
    {before}
    best_loss, best, kept, models = float("inf"), None, None, []
    for lr in {rates}:
        model = train(lr)
        loss = score(model, {name})
        if loss < best_loss:
            best_loss = loss
            {kept}
        {each}
    {end}

main()
"""
RATES = "(1.0, 3.0, 5.0, 2.0)"


@pytest.fixture
def among_models(tmp_path):
    """What is found of this kind in the script that trains several models, with some lines in it."""

    def look(name="test_loader", rates=RATES, **lines):
        path = tmp_path / "train.py"
        usual = dict.fromkeys(["before", "kept", "each", "end"], "pass")
        path.write_text(SEVERAL.format(name=name, rates=rates, **usual | lines))
        traced = audit_script(path, epochs=1000)
        assert traced.notes == ()
        return [finding for finding in traced.findings if finding.name == "selected_on_test"]

    return look


def test_the_best_of_several_models_is_evaluated_again(among_models):
    (finding,) = among_models(kept="kept = model", end="score(kept, test_loader)")
    assert finding.severity is Severity.ERROR
    assert finding.numbers == {"rows": 4, "evaluations": 5, "looks": 4}
    (finding,) = among_models("rows", kept="kept = model", end="score(kept, rows)")
    assert finding.severity is Severity.WARNING


def test_the_weights_of_the_best_model_are_kept(among_models):
    (finding,) = among_models(kept="kept = copy.deepcopy(model.state_dict())")
    assert finding.severity is Severity.WARNING
    assert "weights were kept whenever they were better on them" in finding.message


@pytest.mark.parametrize(
    ("rates", "kept"),
    [
        (RATES, "kept = model"),
        ("(3.0, 5.0, 2.0)", "best_model = model"),
        ("(1.0, 3.0, 5.0)", "globals()['kept'] = model"),
    ],
    ids=["a variable", "called best", "known at the end"],
)
def test_the_best_model_is_kept(among_models, rates, kept):
    (finding,) = among_models(rates=rates, kept=kept)
    assert finding.severity is Severity.WARNING
    assert "the best model on them was kept while others were trained" in finding.message


@pytest.mark.parametrize(
    "lines",
    [
        {},
        {"each": "models.append(model)", "end": "[score(one, test_loader) for one in models]"},
        {"each": "models.append(model)", "end": "[score(one, test_loader) for one in models[::-1]]"},
        {"each": "models.append(model)", "end": "[score(one, test_loader) for one in (models[0], models[1])]"},
        {"each": "kept = model"},
        {"rates": "(1.0, 2.0, 2.5)", "each": "kept = model"},
        {"each": "kept = model if loss == best_loss else None"},
        {"rates": "(3.0, 5.0, 2.0)", "kept": "kept = model"},
        {"rates": "(5.0, 3.0)", "kept": "kept = model", "end": "score(kept, test_loader)"},
        {"rates": "(5.0, 3.0, 1.0, 2.0)", "before": "first = train(4.0); score(first, test_loader)"},
        {"rates": "(5.0, 1.0, 2.0)", "before": "first = train(7.0); score(first, test_loader)",
         "end": "score(first, test_loader)"},
        {"kept": "kept = model", "end": "score(kept, other)"},
        {"name": "val_loader", "kept": "kept = model"},
        {"before": "val_loader = test_loader", "kept": "kept = model"},
    ],
    ids=[
        *["a table", "evaluated again", "in reverse", "the best one last", "the last one", "always better"],
        *["the last one if it is better", "the first one", "two", "a baseline"],
        *["a worse one again", "another set", "a validation set", "two names"],
    ],
)  # fmt: skip
def test_other_trainings_of_several_models_pass(among_models, lines):
    assert among_models(**lines) == []
