import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from bridle.choosing.sampling import open_study
from bridle.choosing.strategies import TPE
from bridle.core import Recipe, Training, between, choice
from bridle.errors import SearchError, StorageError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping

KILLED = Path(__file__).with_name("killed_search.py")
COMMITS = (2, 5, 9, 11, 12, 14, 17, 21, 30)
"""After how many commits of its own each process is killed; the next one goes on from there."""


def play(study, space, rounds, size, score):
    """Ask and tell some rounds; all that was asked."""
    asked = []
    for round_number in range(rounds):
        for number, values in study.ask_round(space, round_number, size, TPE()):
            study.tell(number, score(values))
            asked.append((number, values))
    return asked


def by_rate(values):
    return abs(values["training.learning_rate"] - 3e-3)


@pytest.fixture
def study(tmp_path):
    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as opened:
        yield opened


def test_numbers_count_through_the_rounds(study, space):
    assert [number for number, _ in play(study, space, 3, 4, by_rate)] == list(range(12))


def test_values_settle_the_space_and_lie_in_its_ranges(study, space):
    asked = [values for _, values in play(study, space, 2, 5, by_rate)]
    assert all(not space.settle(values).is_space for values in asked)
    assert all(1e-4 <= values["training.learning_rate"] <= 1e-1 for values in asked)
    assert all(1e-6 <= values["l2.strength"] <= 1e-2 for values in asked)


def test_dials_of_what_is_left_out_are_not_asked(study, space):
    asked = [values for _, values in play(study, space, 2, 5, by_rate)]
    assert {values["l1.active"] for values in asked} == {True, False}
    assert all(("l1.strength" in values) is values["l1.active"] for values in asked)


def test_whole_numbers_stay_whole(study):
    whole = Recipe(EarlyStopping(patience=between(3, 300)), training=Training(batch_size=choice(16, 32)))
    asked = [values for _, values in play(study, whole, 2, 6, lambda values: values["early_stopping.patience"])]
    assert all(type(values["early_stopping.patience"]) is int for values in asked)
    assert all(3 <= values["early_stopping.patience"] <= 300 for values in asked)
    assert {values["training.batch_size"] for values in asked} == {16, 32}


def test_first_values_are_asked_first_and_completed(study, space):
    first = [{"l1.active": False, "l2.strength": 1e-5}, {"l1.active": True}]
    asked = [values for _, values in study.ask_round(space, 0, 3, TPE(), first)]
    assert asked[0].keys() == {"training.learning_rate", "l2.strength", "l1.active"}
    assert asked[0]["l2.strength"] == 1e-5
    assert asked[1].keys() == space.free().keys()


@pytest.mark.parametrize("higher_is_better", [False, True])
def test_a_study_knows_which_way_its_metric_points(tmp_path, higher_is_better):
    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=higher_is_better) as study:
        assert study.higher_is_better is higher_is_better


def test_equal_seeds_ask_equally_and_others_do_not(tmp_path, space):
    runs = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        with open_study(tmp_path / "study.db", name, seed, higher_is_better=False) as study:
            runs.append(play(study, space, 3, 4, by_rate))
    assert runs[0] == runs[1] != runs[2]


def test_a_finite_space_is_tried_once_in_full(study):
    finite = Recipe(Dropout(rate=choice(0, 0.2, 0.5)), L2(choice(1e-4, 1e-3), optional=True))
    asked = [tuple(values.items()) for _, values in play(study, finite, 5, 4, lambda values: values["dropout.rate"])]
    assert len(asked) == len(set(asked)) == 9


def test_a_round_that_counts_is_returned_as_it_was_asked(tmp_path, space):
    file = tmp_path / "study.db"
    with open_study(file, "search", 0, higher_is_better=False) as study:
        asked = study.ask_round(space, 0, 5, TPE())
        study.tell(1, 0.25)
        study.tell(3, None, "NaN loss")
    with open_study(file, "search", 0, higher_is_better=False) as study:
        assert study.ask_round(space, 0, 2, TPE()) == asked


def test_what_is_told_twice_is_told_once(tmp_path, space):
    file = tmp_path / "study.db"
    with open_study(file, "search", 0, higher_is_better=False) as study:
        study.ask_round(space, 0, 2, TPE())
        study.tell(0, 0.25)
        study.tell(0, 0.5)
        study.tell(1, None, "NaN loss")
        study.tell(1, 0.5)
    stored = optuna.storages.RDBStorage(f"sqlite:///{file}")
    trials = stored.get_all_trials(stored.get_study_id_from_name("search"))
    stored.engine.dispose()
    assert [trial.value for trial in trials] == [0.25, None]
    assert trials[1].state == optuna.trial.TrialState.FAIL


def test_a_round_before_the_earlier_ones_are_told_is_refused(study, space):
    with pytest.raises(SearchError, match=r"Round 1 cannot be asked before round 0\."):
        study.ask_round(space, 1, 2, TPE())
    study.ask_round(space, 0, 2, TPE())
    study.tell(0, 0.5)
    with pytest.raises(SearchError, match=r"Round 1 cannot be asked before all recipes of the earlier rounds are told"):
        study.ask_round(space, 1, 2, TPE())


def test_another_space_is_refused(study, space):
    study.ask_round(space, 0, 2, TPE())
    with pytest.raises(SearchError, match=r"The study 'search' in sqlite:.* was begun with another space\. Go on with"):
        study.ask_round(Recipe(L2(between(1e-6, 1e-3))), 0, 2, TPE())


@pytest.mark.parametrize(
    ("seed", "higher_is_better", "text"),
    [(5, False, r"was begun with seed 0; got 5"), (0, True, r"was told a metric that points the other way")],
)
def test_a_study_is_gone_on_with_only_as_it_was_begun(tmp_path, seed, higher_is_better, text):
    open_study(tmp_path / "study.db", "search", 0, higher_is_better=False).close()
    with pytest.raises(SearchError, match=text):
        open_study(tmp_path / "study.db", "search", seed, higher_is_better=higher_is_better)


def test_a_study_of_others_is_refused(tmp_path):
    file = tmp_path / "study.db"
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
    other = optuna.create_study(storage=storage, study_name="search")
    other.tell(other.ask(), 1.0)
    storage.engine.dispose()
    with pytest.raises(SearchError, match=r"The study 'search' in sqlite:.* was not made by Bridle"):
        open_study(file, "search", 0, higher_is_better=False)


def test_the_first_recorded_seconds_of_a_round_count(study):
    assert study.record_seconds(0, 12.5) == 12.5
    assert study.record_seconds(0, 0.1) == 12.5
    assert study.record_seconds(1, 0.5) == 0.5


def test_a_damaged_file_is_told_from_a_database(tmp_path):
    (tmp_path / "study.db").write_bytes(b"no database at all, only text\n" * 40)
    with pytest.raises(
        StorageError, match=r"The database of the search, sqlite:.*study\.db, cannot be used: .*not a data"
    ):
        open_study(tmp_path / "study.db", "search", 0, higher_is_better=False)


@pytest.mark.parametrize("storage", ["sqlite:////nowhere/at/all.db", "nothing://host/name"])
def test_a_database_that_cannot_be_opened_is_named(storage):
    with pytest.raises(StorageError, match=rf"The database of the search, {storage}, cannot be used"):
        open_study(storage, "search", 0, higher_is_better=False)


def test_optuna_stays_quiet_and_keeps_its_verbosity(tmp_path, space, capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as study:
        play(study, space, 1, 2, by_rate)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_importing_the_search_does_not_import_optuna():
    code = "import sys, bridle.choosing.strategy, bridle.choosing.space; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def searched(name, folder, *commits):
    """Run killed_search.py; the exit statuses of its processes."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(KILLED), name, str(folder), *map(str, commits)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def states(file, name="search"):
    """How every trial in a database ended."""
    stored = optuna.storages.RDBStorage(f"sqlite:///{file}")
    trials = stored.get_all_trials(stored.get_study_id_from_name(name))
    stored.engine.dispose()
    return [trial.state.name for trial in trials]


@pytest.mark.parametrize(
    ("name", "commits"),
    [("tpe", COMMITS), *((name, (22, 9, 17, 31)) for name in ("random", "grid", "halving", "hyperband", "path"))],
)
def test_killed_again_and_again_it_asks_and_finds_the_same(tmp_path, name, commits):
    """Real kills: while the tables and the study are made, while rounds are written, while they are told."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert searched(name, whole, 0) == [0]
    assert searched(name, killed, *commits, 0) == [-9] * len(commits) + [0]
    assert (killed / "found.json").read_text() == (whole / "found.json").read_text()
    before, after = states(whole / "study.db"), states(killed / "study.db")
    assert [after.count(state) for state in ("COMPLETE", "PRUNED", "RUNNING")] == [
        before.count(state) for state in ("COMPLETE", "PRUNED", "RUNNING")
    ]
    assert after.count("FAIL") >= 1, "no kill came while a round was written: choose other commits"


@pytest.fixture
def shared(tmp_path):
    """Opens searches by name on one study; they are closed at the end."""
    opened = []

    def open_search(name):
        opened.append(open_study(tmp_path / "shared.db", "both", 0, higher_is_better=False, search=name))
        return opened[-1]

    yield open_search
    for study in opened:
        study.close()


def test_searches_of_one_study_leave_each_others_trials_alone(shared, space, tmp_path):
    one, other = shared("a"), shared("b")
    asked = one.ask_round(space, 0, 3, TPE())
    others = other.ask_round(space, 0, 3, TPE())
    assert [values for _, values in asked] != [values for _, values in others]
    other.tell(0, 0.5)
    assert states(tmp_path / "shared.db", "both") == ["RUNNING"] * 3 + ["COMPLETE"] + ["RUNNING"] * 2
    for number, _ in asked:
        one.tell(number, 0.25)
    assert states(tmp_path / "shared.db", "both") == ["COMPLETE"] * 4 + ["RUNNING"] * 2
    assert shared("b").ask_round(space, 0, 3, TPE()) == others


def test_a_search_learns_from_what_the_others_were_told(shared):
    """The only other recipes of a finite space were asked by another search: told, training, or left by it."""
    finite = Recipe(Dropout(rate=choice(0, 0.1, 0.2, 0.3)))
    one, other = shared("a"), shared("b")
    asked = one.ask_round(finite, 0, 2, TPE())
    one.tell(0, 0.5)
    left = [values for _, values in other.ask_round(finite, 0, 4, TPE())]
    assert len(left) == 2
    assert not [values for _, values in asked if values in left]


def test_searches_of_one_study_must_agree_on_what_they_measure(tmp_path):
    of = {"higher_is_better": False, "terms": {"data": "one", "folds": "5 x 1"}}
    open_study(tmp_path / "study.db", "search", 0, **of).close()
    with pytest.raises(SearchError, match=r"was begun with folds 5 x 1; got 3 x 1\. Give the same to go on"):
        open_study(tmp_path / "study.db", "search", 0, higher_is_better=False, terms=of["terms"] | {"folds": "3 x 1"})


def test_a_dropped_recipe_is_told_with_its_epoch(tmp_path, space):
    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as study:
        study.ask_round(space, 0, 1, TPE())
        study.tell(0, 0.5, until=3)
        study.tell(0, 0.25)
        study.tell(0, 0.25, until=9)
    stored = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'study.db'}")
    (trial,) = stored.get_all_trials(1)
    stored.engine.dispose()
    assert (trial.state.name, trial.value, trial.intermediate_values) == ("PRUNED", 0.5, {3: 0.5})
