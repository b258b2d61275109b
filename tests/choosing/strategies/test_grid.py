import itertools

import pytest

from bridle.choosing.strategies import Grid, Round
from bridle.core import Recipe, Training, between, choice
from bridle.errors import SearchError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping


def test_it_is_the_product_in_order(play):
    space = Recipe(
        L2(between(1e-6, 1e-2)),
        Dropout(choice(0.0, 0.5)),
        training=Training(learning_rate=between(0.1, 0.3, log=False)),
    )
    asked = [tuple(values.values()) for values in play(Grid(3), space, 10, 5)]
    expected = list(itertools.product([0.1, 0.2, 0.3], [1e-6, 1e-4, 1e-2], [0.0, 0.5]))
    assert len(asked) == Grid(3).trials(space, 1) == 18
    assert asked == [pytest.approx(values) for values in expected]


def test_dials_of_what_is_left_out_count_once(play, space):
    asked = play(Grid(2), space, 10, 5)
    assert len(asked) == Grid(2).trials(space, 1) == 2 * 2 * (2 + 1)
    assert len({tuple(sorted(values.items())) for values in asked}) == 12


def test_whole_numbers_are_taken_once(play):
    space = Recipe(EarlyStopping(patience=between(3, 5)))
    assert [values["early_stopping.patience"] for values in play(Grid(7), space, 3, 4)] == [3, 4, 5]


def test_one_point_is_the_middle(play):
    (only,) = play(Grid(1), Recipe(L1(between(1e-6, 1e-2))), 2, 4)
    assert only["l1.strength"] == pytest.approx(1e-4)


def test_ends_stay_inside_the_range(play):
    """10 ** log10(0.3) is not always 0.3: a value outside its range could not be stored."""
    for low, high in ((3e-7, 0.3), (1e-4, 0.07), (7e-5, 1.1)):
        asked = [values["l1.strength"] for values in play(Grid(4), Recipe(L1(between(low, high))), 1, 4)]
        assert min(asked) >= low
        assert max(asked) <= high


def test_what_another_search_took_is_left_to_it(play, space):
    taken = play(Grid(2), space, 1, 5)
    told = Round(space, 0, 0, 99, told=[type("Trial", (), {"params": values})() for values in taken])
    assert Grid(2).propose(told) == play(Grid(2), space, 1, 99)[5:]


def test_a_grid_that_never_ends_needs_a_budget(space):
    with pytest.raises(SearchError, match=r"A grid over 4 free dials has up to 16,000 recipes\. Take fewer points"):
        Grid(20).trials(space, 1)


def test_points_are_positive():
    with pytest.raises(SearchError, match=r"A grid needs at least 1 point of each range; got 0\."):
        Grid(0)
