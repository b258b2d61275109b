"""Two real searches on one study in a SQLite file, one of them killed: nothing is told twice, nothing is lost."""

import json
import signal
from collections import Counter
from pathlib import Path

import optuna
import pytest

SEARCH = ("people.csv", "--target", "bought", "--recipe", "wide.toml", "--folds", 2, "--seeds", 1, "--study", "all.db")


@pytest.fixture
def trials():
    """What is in the database, as numbers, states, values and searches."""

    def read():
        storage = optuna.storages.RDBStorage("sqlite:///all.db")
        found = optuna.load_study(storage=storage, study_name="bridle").get_trials()
        storage.engine.dispose()
        return [(item.number, item.state.name, item.value, item.user_attrs["bridle search"]) for item in found]

    return read


def scores(run):
    evidence = json.loads(Path(run, "evidence.json").read_text())
    return evidence["command"]["search"], [item["score"] for item in evidence["candidates"]]


def test_one_of_two_searches_is_killed_and_resumed(start, cli, table, trials):
    Path("wide.toml").write_text(Path("space.toml").read_text().replace("epochs = 3", "epochs = 40"))
    one = start("fit", *SEARCH, "--trials", 12, "--out", "one")
    other = start("fit", *SEARCH, "--trials", 12, "--out", "other")
    one.wait_for("Search ", 2)
    one.send(signal.SIGKILL)
    assert one.wait() == -signal.SIGKILL
    assert other.wait(400) == 0, other.log.read_text()
    left = trials()
    name, others = scores("other")
    told = [value for _, state, value, search in left if search == name]
    assert {state for _, state, _, search in left if search == name} == {"COMPLETE"}
    assert told == others, "every recipe of the other search is told once, with its own score"
    unfinished = [state for _, state, _, search in left if search != name]
    assert "RUNNING" in unfinished, "the search was not killed at work"
    assert "FAIL" not in unfinished, "the other search touched the trials of the one that was killed"

    result = cli("fit", "--resume", "one")
    assert result.exit_code == 0, result.output
    name, own = scores("one")
    after = trials()
    assert [value for _, state, value, search in after if search == name and state == "COMPLETE"] == own
    assert len(own) == 12
    assert Counter(state for _, state, _, _ in after)["RUNNING"] == 0
    before = {number: (state, value) for number, state, value, _ in left if state == "COMPLETE"}
    assert before.items() <= {number: (state, value) for number, state, value, _ in after}.items()


def test_another_question_is_not_mixed_in(cli, table):
    assert cli("fit", *SEARCH[:4], "space.toml", *SEARCH[5:], "--trials", 1, "--out", "one").exit_code == 0
    result = cli("fit", *SEARCH[:4], "space.toml", *SEARCH[5:], "--trials", 1, "--out", "two", "--metric", "accuracy")
    assert result.exit_code == 2
    assert "was told a metric that points the other way. Give this search another name." in result.stderr
    result = cli("fit", *SEARCH[:4], "space.toml", *SEARCH[5:], "--trials", 1, "--out", "two", "--repeats", 2)
    assert result.exit_code == 2
    assert "was begun with folds 2 x 1; got 2 x 2." in result.stderr
    assert not Path("two").exists()
