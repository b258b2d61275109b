"""`bridle features` hands over what was asked and prints what comes back."""

from pathlib import Path

import bridle


class Found:
    best = ("a", "b")

    def __str__(self):
        return "2 of 5 features are kept."

    def plot(self, path):
        return path


def test_options_arrive(cli, monkeypatch):
    seen = {}
    monkeypatch.setitem(vars(bridle), "feature_path", lambda **named: seen.update(named) or Found())
    result = cli("features", "d", "--target", "y", "--drop", "p", "--folds", 3, "--out", "page.html")
    assert result.exit_code == 0, result.output
    assert result.stdout == "a\nb\n"
    assert "2 of 5 features are kept.\nWrote page.html." in result.stderr
    del seen["progress"]
    assert seen == {
        "data": "d",
        "target": "y",
        "task": None,
        "metric": None,
        "folds": 3,
        "select": "one-se",
        "seed": 0,
        "drop": ("p",),
        "categorical": (),
        "group": None,
    }


def test_without_a_page_none_is_written(cli, monkeypatch, tmp_path):
    monkeypatch.setitem(vars(bridle), "feature_path", lambda **_: Found())
    monkeypatch.chdir(tmp_path)
    assert cli("features", "d").exit_code == 0
    assert not list(Path(tmp_path).iterdir())


def test_an_error_is_a_line(cli):
    result = cli("features", "digits")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: digits: feature_path chooses columns of a table")
