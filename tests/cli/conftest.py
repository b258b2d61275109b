"""The command line in this process, with the public calls replaced by recorders where a test asks for it."""

from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import bridle
from bridle.cli.application import application


@pytest.fixture
def cli():
    """Run the command line: ``cli("fit", "digits")`` gives the result with ``exit_code``, ``stdout`` and ``stderr``."""
    return lambda *arguments: CliRunner().invoke(application, [str(item) for item in arguments])


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What the public calls received, as ``(name, positional, named)``; they give a small run."""
    seen = []
    predictions = SimpleNamespace(
        prediction=np.array(["yes", "no"]), probabilities=np.array([[0.25, 0.75], [0.5, 0.5]]), classes=("no", "yes")
    )
    run = SimpleNamespace(
        folder=tmp_path / "run",
        evidence=None,
        predict=lambda data, **named: seen.append(("predict", (data,), named)) or predictions,
        report=lambda: tmp_path / "run" / "report.html",
    )

    def recorder(name):
        return lambda *positional, **named: seen.append((name, positional, named)) or run

    for name in ("fit", "resume", "load"):
        monkeypatch.setitem(vars(bridle), name, recorder(name))
    monkeypatch.setattr("bridle.report.text.print_summary", lambda _, console: console.print("the summary"))
    monkeypatch.chdir(tmp_path)
    return seen
