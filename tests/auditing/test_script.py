"""Scripts are run as they are: the mistakes in them are found, clean ones pass, and nothing stays changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from bridle.auditing.script import audit_script
from bridle.errors import RunError

SCRIPTS = Path(__file__).parent / "scripts"
CLEAN = sorted((SCRIPTS / "clean").glob("*.py"))
FRAMEWORKS = [
    ("huggingface_trainer", "transformers"),
    ("keras_functional", "keras"),
    ("lightning_module", "lightning"),
    ("lightning_recipe", "lightning"),
    ("skorch_pipeline", "skorch"),
]
MISTAKES = [
    ("decay_on_everything", 0, {"decay_scope"}),
    ("penalties_never_added", 0, {"penalty_never_added"}),
    (
        "penalties_in_the_loss",
        0,
        {"l1_without_zeros", "penalty_applied_twice", "penalty_lost", "penalty_per_micro_batch"},
    ),
    ("penalty_not_scaled", 0, {"penalty_lost", "strength_out_of_range"}),
    ("scaled_before_split", 0, {"preprocessing_on_all_rows"}),
    ("augmented_validation_loader", 0, {"augmented_validation"}),
    ("augmented_validation_iterator", 2, {"augmented_validation"}),
    ("evaluation_in_training_mode", 0, {"penalty_without_gradient", "weights_without_gradient"}),
    (
        "evaluation_in_training_mode",
        1,
        {
            "penalty_without_gradient",
            "weights_without_gradient",
            "training_mode_in_evaluation",
            "penalty_in_monitored_loss",
        },
    ),
]


@pytest.mark.parametrize(("name", "epochs", "names"), MISTAKES)
def test_mistakes_are_found(name, epochs, names):
    traced = audit_script(SCRIPTS / f"{name}.py", epochs=epochs)
    assert {finding.name for finding in traced.findings} == names
    assert traced.validations == epochs
    assert (traced.steps == 1) == (epochs == 0)
    assert traced.notes == ()
    assert [finding.severity for finding in traced.findings] == sorted(
        (finding.severity for finding in traced.findings), key=["error", "warning", "info"].index
    )


def test_penalties_in_the_loss_are_measured():
    traced = audit_script(SCRIPTS / "penalties_in_the_loss.py")
    numbers = {finding.name: finding.numbers for finding in traced.findings}
    twice = numbers["penalty_applied_twice"]["weights"]
    for name in ("0.weight", "2.weight"):
        assert twice[name] == {"loss": pytest.approx(4 * 2 * 5e-4, rel=1e-4), "optimizer": pytest.approx(2e-3)}
    assert numbers["penalty_per_micro_batch"]["strengths"] == {
        name: pytest.approx(4e-3, rel=1e-4) for name in ("0.weight", "2.weight")
    }
    assert numbers["penalty_lost"]["clip"]["0.weight"] < 0.5
    assert numbers["l1_without_zeros"]["strengths"] == {"0.weight": pytest.approx(4e-4, rel=1e-3)}


TO_THE_END = [
    ("early_stopping_keeps_last", "best_weights_not_restored"),
    ("imported_loop/script", "best_weights_not_restored"),
    ("selected_on_test", "selected_on_test"),
    ("averaged_without_statistics", "stale_batch_norm"),
    ("scaled_before_split", "preprocessing_on_all_rows"),
]


@pytest.mark.parametrize(("script", "name"), TO_THE_END)
def test_mistakes_that_show_at_the_end(script, name):
    traced = audit_script(SCRIPTS / f"{script}.py", epochs=1000)
    assert [finding.name for finding in traced.findings] == [name]
    assert traced.notes == ()


def test_a_loop_in_an_imported_module_that_restores_the_best_weights():
    traced = audit_script(SCRIPTS / "imported_loop" / "script.py", ["--restore"], epochs=1000)
    assert (traced.findings, traced.notes) == ((), ())
    assert "fitting" not in sys.modules


@pytest.mark.parametrize("epochs", [0, 2, 1000])
@pytest.mark.parametrize("script", CLEAN, ids=lambda script: script.stem)
def test_nothing_is_found_in_clean_scripts(script, epochs):
    traced = audit_script(script, epochs=epochs)
    assert traced.findings == ()
    assert traced.notes == ()
    assert traced.validations == epochs or epochs == 1000


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [0, 2, 1000])
@pytest.mark.parametrize(("name", "framework"), FRAMEWORKS)
def test_nothing_is_found_in_scripts_of_frameworks(name, framework, epochs):
    """Each in a process of its own: frameworks warn, set signal handlers and choose a backend when imported."""
    pytest.importorskip(framework)
    command = [sys.executable, "-m", "bridle", "audit", SCRIPTS / "frameworks" / f"{name}.py", "--epochs", str(epochs)]
    process = subprocess.run(
        [*command, "--format", "json"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        check=False,
    )
    assert process.returncode == 0, process.stderr
    told = json.loads(process.stdout)
    assert [finding for finding in told["findings"] if finding["severity"] != "info"] == []
    assert told["notes"] == []
    assert told["steps"] > 0
    assert (told["validations"] == epochs) is (epochs < 1000)


def test_to_the_end():
    """More validations than the script makes: it ends by itself, its last step in a closure."""
    traced = audit_script(SCRIPTS / "clean" / "regression.py", epochs=100)
    assert (traced.findings, traced.validations, traced.steps) == ((), 20, 20 * 7 + 1)


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "train.py"
        path.write_text("import sys\nimport torch\nmodel = torch.nn.Linear(2, 1)\n" + text)
        return path

    return write


STEP = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\nmodel(torch.ones(3, 2)).sum().backward()\n"


def test_arguments_and_print(script, capsys):
    path = script(
        f"print(sys.argv[1:], __name__)\n{STEP}try:\n    optimizer.step()\nexcept Exception:\n    print('kept')\n"
    )
    audit_script(path, ["--lr", "3"])
    assert capsys.readouterr() == ("", "['--lr', '3'] __main__\n")


def test_all_is_put_back(script):
    before = sys.argv, list(sys.path), sys.modules["__main__"], torch.compile, nn.Module.compile, DataLoader.__iter__
    audit_script(script(f"sys.path.append('x')\n{STEP}optimizer.step()\n"))
    assert before == (
        sys.argv,
        sys.path,
        sys.modules["__main__"],
        torch.compile,
        nn.Module.compile,
        DataLoader.__iter__,
    )


def test_a_failure_before_the_first_step(script):
    with pytest.raises(
        RunError, match=r"train\.py failed before its first optimizer step: ValueError: no data \(line 4\)"
    ):
        audit_script(script("raise ValueError('no data')\n"))


def test_a_failure_later_is_a_note(script):
    traced = audit_script(script(f"{STEP}optimizer.step()\nraise ValueError('no data')\n"), epochs=1)
    assert traced.notes == ("The script failed after 1 steps: ValueError: no data (line 7).",)


def test_no_step(script):
    with pytest.raises(RunError, match="ended without a step of a torch optimizer, or of a Keras model"):
        audit_script(script("sys.exit()\n"))


def test_no_script(tmp_path):
    with pytest.raises(RunError, match=r"must be a Python file; .*nothing\.py is none\. Give the path of a training"):
        audit_script(tmp_path / "nothing.py")


def test_a_check_that_fails_is_a_note(script, monkeypatch):
    from bridle.auditing.checks.denormals import Denormals

    def fail(*_):
        raise KeyError("gone")

    monkeypatch.setattr(Denormals, "look", fail)
    traced = audit_script(script(f"{STEP}optimizer.step()\n"))
    assert traced.notes == ("denormals could not look: KeyError: 'gone'",)


def test_weights_of_no_module(script):
    text = (
        "weight = torch.ones(2, requires_grad=True)\noptimizer = torch.optim.SGD([weight])\nweight.sum().backward()\n"
    )
    traced = audit_script(script(f"{text}optimizer.step()\n"))
    assert traced.notes == ("SGD updates weights of no module that was called.",)
