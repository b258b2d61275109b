"""`bridle fit` hands over exactly what was asked, and its mistakes end with status 2."""

from pathlib import Path

import pytest

import bridle
from bridle.errors import DataError, StorageError


def test_defaults(cli, calls):
    result = cli("fit", "digits")
    assert result.exit_code == 0, result.output
    [(name, positional, named)] = calls
    assert (name, positional) == ("fit", ())
    assert named.pop("progress") is not None
    assert named == {
        "data": "digits",
        "recipe": None,
        "test": None,
        "target": None,
        "task": None,
        "size": None,
        "model": None,
        "loss": None,
        "metric": None,
        "folds": 5,
        "trials": None,
        "budget": None,
        "strategy": "tpe",
        "points": None,
        "repeats": 1,
        "study": None,
        "study_name": "bridle",
        "select": "one-se",
        "search_seeds": 1,
        "nested": 0,
        "ensemble": False,
        "seeds": None,
        "seed": 0,
        "out": Path("runs/digits"),
        "device": "auto",
        "workers": None,
        "attribute": False,
        "prune": False,
        "learning_curve": False,
        "stability": False,
        "laplace": False,
        "compiled": False,
        "drop": (),
        "categorical": (),
        "group": None,
        "time": None,
        "weights": None,
        "bad_images": "refuse",
    }
    assert "the summary" in result.stdout
    assert "report.html" in result.stdout.splitlines()[-1]


def test_every_option_arrives(cli, calls):
    result = cli(
        *("fit", "table.csv", "--recipe", "r.toml", "--test", "t.csv", "--target", "y", "--task", "regression"),
        *("--size", 64, "--model", "a.b:c", "--loss", "a.b:d", "--metric", "mae", "--folds", 3, "--trials", 7),
        *("--strategy", "grid", "--points", 3, "--repeats", 2, "--study", "all.db", "--study-name", "here"),
        *("--budget", "10m", "--select", "best", "--seeds", 2, "--seed", 9, "--out", "there", "--device", "cpu"),
        *("--workers", 1, "--drop", "id", "--drop", "name", "--categorical", "zip", "--group", "g", "--time", "t"),
        *("--search-seeds", 3, "--nested", 4, "--ensemble", "--laplace", "--compiled"),
        *("--weights", "w", "--bad-images", "skip", "--attribute", "--prune", "--learning-curve", "--stability"),
    )
    assert result.exit_code == 0, result.output
    named = calls[0][2]
    del named["progress"]
    assert named == {
        "data": "table.csv",
        "recipe": Path("r.toml"),
        "test": "t.csv",
        "target": "y",
        "task": "regression",
        "size": 64,
        "model": "a.b:c",
        "loss": "a.b:d",
        "metric": "mae",
        "folds": 3,
        "trials": 7,
        "budget": "10m",
        "strategy": "grid",
        "points": 3,
        "repeats": 2,
        "study": "all.db",
        "study_name": "here",
        "select": "best",
        "search_seeds": 3,
        "nested": 4,
        "ensemble": True,
        "seeds": 2,
        "seed": 9,
        "out": Path("there"),
        "device": "cpu",
        "workers": 1,
        "attribute": True,
        "prune": True,
        "learning_curve": True,
        "stability": True,
        "laplace": True,
        "compiled": True,
        "drop": ("id", "name"),
        "categorical": ("zip",),
        "group": "g",
        "time": "t",
        "weights": "w",
        "bad_images": "skip",
    }


def test_the_default_folder_gets_a_number(cli, calls, tmp_path):
    (tmp_path / "runs" / "adult_train").mkdir(parents=True)
    cli("fit", "somewhere/adult_train.csv.gz")
    assert calls[0][2]["out"] == Path("runs/adult_train-2")


def test_resume(cli, calls):
    result = cli("fit", "--resume", "runs/digits", "--model", "a:b", "--loss", "c:d")
    assert result.exit_code == 0, result.output
    [(name, positional, named)] = calls
    assert (name, positional) == ("resume", (Path("runs/digits"),))
    assert named.pop("progress") is not None
    assert named == {"model": "a:b", "loss": "c:d"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit"], "DATA"),
        (["fit", "digits", "--resume", "runs/digits"], "Invalid value for DATA: it cannot be changed in a resumed run"),
        (["fit", "--resume", "runs/digits", "--folds", "5"], "Invalid value for --folds: it cannot be changed"),
        (["fit", "--resume", "runs/digits", "--bad-images", "skip"], "Invalid value for --bad-images"),
        (["fit", "digits", "--folds", "many"], "Invalid value for '--folds'"),
        (["fit", "digits", "--fold", "3"], "--fold"),
    ],
)
def test_usage_errors(cli, calls, arguments, message):
    result = cli(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not calls


def test_an_error_of_the_user_is_one_line(cli, calls, monkeypatch):
    def fit(**named):
        raise DataError("The file 'no.csv' does not exist. Check the path.")

    monkeypatch.setitem(vars(bridle), "fit", fit)
    result = cli("fit", "no.csv")
    assert result.exit_code == 2
    assert result.stderr == "Error: The file 'no.csv' does not exist. Check the path.\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StorageError("The disk is full."), "Error: The disk is full.\n"),
        (StorageError(28, "runs/x cannot be written."), "Error: runs/x cannot be written.\n"),
        (OSError(28, "No space left on device", "runs/x/log"), "Error: No space left on device (runs/x/log).\n"),
    ],
)
def test_a_disk_that_is_full(cli, calls, monkeypatch, error, message):
    def fit(**named):
        raise error

    monkeypatch.setitem(vars(bridle), "fit", fit)
    result = cli("fit", "digits")
    assert (result.exit_code, result.stderr) == (2, message)


@pytest.mark.parametrize("begun", [True, False])
def test_interrupted(cli, calls, monkeypatch, begun):
    def fit(out, **named):
        if begun:
            out.mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setitem(vars(bridle), "fit", fit)
    result = cli("fit", "digits")
    assert result.exit_code == 130
    message = "The run so far is in runs/digits; go on with: bridle fit --resume runs/digits"
    assert result.stderr == f"\nInterrupted. {message if begun else 'Nothing was done yet.'}\n"


def test_a_bug_keeps_its_traceback(cli, calls, monkeypatch):
    def fit(**named):
        raise ZeroDivisionError("a bug")

    monkeypatch.setitem(vars(bridle), "fit", fit)
    result = cli("fit", "digits")
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_progress_is_told_on_the_error_stream(cli, calls, monkeypatch):
    def fit(progress, **named):
        progress.stage("search", 20)
        for _ in range(20):
            progress.advance(note="best log_loss 0.1")
        progress.say("Done [really].")
        return bridle.load("x")

    monkeypatch.setitem(vars(bridle), "fit", fit)
    lines = cli("fit", "digits").stderr.splitlines()
    assert lines[0] == "Search ..."
    assert lines[-2:] == ["Search 20/20  best log_loss 0.1", "Done [really]."]
    assert len(lines) == 12
