import logging
import math

import pytest
from optuna.trial import TrialState, create_trial

from bridle.choosing._distributions import distributions
from bridle.choosing.strategies import TPE, Round
from bridle.core import Recipe, between, choice
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


def ask(space, told=(), size=5, first=(), *, seed=0, round_number=0, maximize=False, **of):
    of = {"number": round_number, "start": len(told), "size": size, "told": told, "first": first} | of
    return TPE().propose(Round(space, seed=seed, maximize=maximize, **of))


def trial_of(space, values, value=None, **of):
    """A trial that was told; a score of None is a failure."""
    state = TrialState.FAIL if value is None else TrialState.COMPLETE
    free = {address: distributions(space)[address] for address in values}
    return create_trial(**{"state": state, "params": values, "distributions": free, "value": value} | of)


def play(space, rounds, score, *, maximize=False):
    """Propose and tell some rounds of five; all values in order. A score of None is a failure."""
    told = []
    for round_number in range(rounds):
        asked = ask(space, told, round_number=round_number, maximize=maximize)
        told += [trial_of(space, values, score(values)) for values in asked]
    return [trial.params for trial in told]


def by_rate(values):
    """How many decades the learning rate is from 3e-3."""
    return abs(math.log10(values["training.learning_rate"] / 3e-3))


@pytest.mark.parametrize("maximize", [False, True])
def test_it_learns_from_what_it_is_told(space, maximize):
    sign = -1 if maximize else 1
    asked = play(space, 12, lambda values: sign * by_rate(values), maximize=maximize)
    early, late = (sum(by_rate(values) for values in part) for part in (asked[:20], asked[-20:]))
    assert late < 0.6 * early


def test_it_avoids_where_recipes_failed(space):
    asked = play(space, 8, lambda values: None if values["training.learning_rate"] > 1e-2 else 1.0)
    failed = [values["training.learning_rate"] > 1e-2 for values in asked]
    assert sum(failed[-15:]) < sum(failed[:15]) / 2


def test_a_round_is_the_same_whenever_it_is_sampled(space):
    assert ask(space) == ask(space)


@pytest.mark.parametrize("other", [{"seed": 1}, {"round_number": 1}])
def test_seeds_and_rounds_have_their_own_draws(space, other):
    assert ask(space) != ask(space, **other)


def test_equal_first_values_are_asked_once(space):
    fixed = {"training.learning_rate": 1e-3, "l2.strength": 1e-4, "l1.active": False}
    asked = ask(space, first=[fixed, fixed], size=3)
    assert asked[0] == fixed
    assert asked.count(fixed) == 1
    assert len(asked) == 3


def test_a_finite_space_runs_out():
    finite = Recipe(Dropout(rate=choice(0, 0.1, 0.2, 0.3, 0.4)), L2(choice(1e-5, 1e-4, 1e-3), optional=True))
    asked = [tuple(values.items()) for values in ask(finite, size=5 * (3 + 1))]
    assert len(asked) == len(set(asked)) == 5 * (3 + 1)
    assert len(ask(finite, size=30)) == 5 * (3 + 1)


def test_a_space_with_one_range_is_infinite():
    asked = ask(Recipe(Dropout(rate=choice(0, 0.2)), L2(between(1e-6, 1e-2))), size=20)
    assert len({values["l2.strength"] for values in asked}) == 20


def test_recipes_that_others_are_training_are_not_asked():
    finite = Recipe(Dropout(rate=choice(0, 0.1, 0.2)))
    others = [trial_of(finite, {"dropout.rate": 0.1}, state=TrialState.RUNNING)]
    assert sorted(values["dropout.rate"] for values in ask(finite, running=others)) == [0, 0.2]


def test_recipes_that_were_dropped_early_count_below_those_that_were_not(space):
    """Where all of one half were dropped and all of the other were not, it asks in the other."""
    told = []
    for number in range(8):
        for values in ask(space, told, round_number=number):
            dropped = values["training.learning_rate"] > 3e-3
            early = {"state": TrialState.PRUNED, "intermediate_values": {1: 1.0}}
            told.append(trial_of(space, values, None if dropped else 1.0, **(early if dropped else {})))
    high = [trial.params["training.learning_rate"] > 3e-3 for trial in told]
    assert sum(high[-15:]) < sum(high[:15]) / 2


def test_searches_of_one_study_have_their_own_draws(space):
    assert ask(space, search="a") != ask(space, search="b") != ask(space)


def test_it_never_ends_where_all_that_it_likes_was_tried():
    """What is best of an infinite space is one recipe: it must not be taken for all there is."""
    optional = Recipe(L2(between(1e-6, 1e-2), optional=True))
    asked = play(optional, 6, lambda values: float(values["l2.active"]))
    assert len(asked) == 30
    assert asked.count({"l2.active": False}) == 1
