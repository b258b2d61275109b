import pytest

from bridle.choosing.strategies import Hyperband
from bridle.errors import SearchError

# Li et al. 2018, algorithm 1 and the table beside it, for R = 81 and eta = 3: by bracket the recipes and their epochs.
TABLE = [
    [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
    [(34, 3), (11, 9), (3, 27), (1, 81)],
    [(15, 9), (5, 27), (1, 81)],
    [(8, 27), (2, 81)],
    [(5, 81)],
]


@pytest.mark.parametrize("number", range(10))
def test_its_brackets_are_those_of_the_paper(number):
    bracket = Hyperband().bracket(number, 81)
    assert list(zip(bracket.counts(bracket.size), bracket.rungs, strict=True)) == TABLE[number % 5]


def test_it_tries_every_bracket_once(space):
    assert Hyperband().trials(space, 81) == 81 + 34 + 15 + 8 + 5


def test_brackets_cost_about_alike():
    costs = [Hyperband().bracket(number, 81).epochs(TABLE[number][0][0]) for number in range(5)]
    assert max(costs) < 1.5 * min(costs)


def test_eta_drops_something():
    with pytest.raises(SearchError, match=r"Hyperband needs eta >= 2.*; got 1\."):
        Hyperband(eta=1)
