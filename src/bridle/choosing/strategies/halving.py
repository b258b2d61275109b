"""Successive halving."""

from typing import final

from bridle.choosing.strategies._base import Bracket, Round, Strategy, Values, geometric
from bridle.choosing.strategies._draws import draw_new
from bridle.core import Recipe
from bridle.errors import SearchError


@final
class Halving(Strategy):
    """Many random recipes, of which the better go on: a third after each rung, three times as long.

    Each round is a bracket of its own. Recipes are compared by their score so far, the best epoch of the mean curve
    over folds. Those that were dropped stay in the evidence with the epochs that they got, and are never chosen.

    Args:
        eta: Of eta recipes one goes on, to eta times as many epochs; at least 2.
        rungs: Comparisons, the last one at the full length included. With three, a bracket of 27 leaves 3.
        size: Recipes per bracket.

    Raises:
        SearchError: If ``eta`` is less than 2.

    Reference: Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
    """

    def __init__(self, eta: int = 3, rungs: int = 3, size: int = 27) -> None:
        if eta < 2:
            raise SearchError(f"Successive halving needs eta >= 2, since one of eta recipes goes on; got {eta}.")
        self._eta, self._rungs, self._size = eta, rungs, size

    def bracket(self, number: int, epochs: int) -> Bracket:  # noqa: ARG002 - all rounds are alike
        """All brackets are alike."""
        return Bracket(self._size, geometric(self._eta, epochs, self._rungs), self._eta)

    def propose(self, asked: Round) -> list[Values]:
        """Random recipes."""
        return draw_new(asked)

    def trials(self, space: Recipe, epochs: int) -> int:  # noqa: ARG002 - whatever the space
        """One bracket."""
        return self._size
