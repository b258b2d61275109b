import pytest

from bridle.choosing.budget import Budget
from bridle.choosing.sampling import open_study
from bridle.choosing.strategies import Path
from bridle.choosing.strategies.path import path_dial, path_to
from bridle.choosing.strategy import search
from bridle.core import Recipe, Training, between, choice
from bridle.errors import SearchError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, ElasticNet

LINE = Recipe(L1(between(1e-4, 1e-1)), training=Training(learning_rate=between(1e-3, 1e-1), epochs=30))


def walked(tmp_path, outcome, failing=()):
    """The calls of a path of five steps, and its candidates; members of ``failing`` steps end with a failure."""
    calls = []

    def evaluate(recipes, *, until=0, keep=False, warm=None):
        assert until == 0
        recipe = recipes[0][1]
        calls.append((recipes[0][0], recipe.regularizers[0].strength, recipe.training.epochs, keep, warm))
        failed = "NaN loss" if recipes[0][0] in failing else None
        return {recipes[0][0]: (outcome([0.5] if failed else [0.5, 0.4], failure=failed),)}

    strengths = [0.1, 0.03, 0.01, 0.003, 0.001]
    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as study:
        strategy = Path("l1.strength", strengths, {"training.learning_rate": 0.01})
        found = search(LINE, evaluate, study=study, strategy=strategy, budget=Budget(trials=9))
    return calls, found


def test_each_strength_starts_from_the_one_before(tmp_path, outcome):
    calls, found = walked(tmp_path, outcome)
    assert calls == [
        (0, 0.1, 30, True, None),
        (1, 0.03, 15, True, 0),
        (2, 0.01, 15, True, 1),
        (3, 0.003, 15, True, 2),
        (4, 0.001, 15, True, 3),
    ]
    assert [item.warm for item in found] == [None, 0, 1, 2, 3]
    assert {item.dials["training.learning_rate"] for item in found} == {0.01}


def test_after_a_failure_the_path_goes_on_from_the_last_that_did_not(tmp_path, outcome):
    calls, found = walked(tmp_path, outcome, failing=(0, 2))
    assert [epochs for _, _, epochs, _, _ in calls] == [30, 30, 15, 15, 15]  # no warm start, no shorter training
    assert [item.warm for item in found] == [None, None, 1, 1, 3]


def test_the_way_to_a_candidate_is_told(tmp_path, outcome):
    _, found = walked(tmp_path, outcome, failing=(2,))
    assert path_to(found, found[4]) == [0, 1, 3]
    assert path_to(found, found[0]) == []


def test_the_dial_of_a_path_is_found():
    assert path_dial(LINE) == ("l1", "strength")
    assert path_dial(Recipe(ElasticNet(1e-4, choice(1e-4, 1e-3), label="net"), Dropout(0.5))) == ("net", "l2")


@pytest.mark.parametrize(
    ("space", "free"),
    [
        (Recipe(L1(1e-3), training=Training(learning_rate=between(1e-3, 1e-1))), "training.learning_rate"),
        (Recipe(Dropout(choice(0.1, 0.5))), "dropout.rate"),
        (Recipe(L1(between(1e-4, 1e-1), optional=True)), "l1.active, l1.strength"),
        (Recipe(ElasticNet(between(1e-4, 1e-1), between(1e-4, 1e-1))), "elastic_net.l1, elastic_net.l2"),
    ],
)
def test_anything_else_is_refused(space, free):
    with pytest.raises(
        SearchError, match=rf"A path goes along one dial of one penalty.* Free are {free}\. Fix the oth"
    ):
        path_dial(space)


def test_all_steps_after_the_first_take_twice_its_epochs_but_three_at_least():
    path = Path("l1.strength", [0.1] * 21)
    assert [path.bracket(0, epochs).rungs for epochs in (100, 20, 2)] == [(100,), (20,), (2,)]
    assert [path.bracket(1, epochs).rungs for epochs in (100, 20, 2)] == [(10,), (3,), (2,)]
    assert Path("l1.strength", [0.1, 0.01]).bracket(1, 20).rungs == (20,)
