import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridle.choosing.strategies import Bracket
from bridle.choosing.strategies._base import geometric


def test_a_bracket_counts_what_is_trained():
    bracket = Bracket(27, (1, 3, 9), 3)
    assert bracket.counts(27) == [27, 9, 3]
    assert bracket.epochs(27) == 27 * 1 + 9 * 2 + 3 * 6


@given(st.integers(1, 60), st.integers(1, 200), st.integers(2, 5), st.integers(1, 5))
def test_the_epochs_are_those_of_every_recipe_added_up(size, epochs, eta, most):
    """A recipe that leaves after rung i was trained to that rung, counted from the start."""
    bracket = Bracket(size, geometric(eta, epochs, most), eta)
    counts = [*bracket.counts(size), 0]
    left = [counts[rung] - counts[rung + 1] for rung in range(len(bracket.rungs))]
    assert sum(left) == size
    assert bracket.epochs(size) == sum(count * rung for count, rung in zip(left, bracket.rungs, strict=True))


@pytest.mark.parametrize(
    ("eta", "epochs", "most", "rungs"),
    [
        (3, 81, 9, (1, 3, 9, 27, 81)),
        (3, 81, 2, (27, 81)),
        (3, 80, 9, (3, 9, 27, 80)),
        (3, 60, 3, (7, 20, 60)),
        (100, 60, 3, (60,)),
        (2, 1, 5, (1,)),
    ],
)
def test_rungs_are_eta_apart_and_end_at_the_full_length(eta, epochs, most, rungs):
    assert geometric(eta, epochs, most) == rungs
