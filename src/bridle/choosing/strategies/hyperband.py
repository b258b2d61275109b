"""Hyperband."""

import math
from typing import final

from bridle.choosing.strategies._base import Bracket, Round, Strategy, Values, geometric
from bridle.choosing.strategies._draws import draw_new
from bridle.core import Recipe
from bridle.errors import SearchError


@final
class Hyperband(Strategy):
    """Successive halving in brackets from many recipes with few epochs each to few recipes with all.

    With at most R epochs and ``s_max = floor(log_eta R)`` bracket s, from s_max down to 0, begins with
    ``ceil((s_max + 1) eta^s / (s + 1))`` random recipes of ``R / eta^s`` epochs. After the last it begins again.
    Recipes that were dropped stay in the evidence with the epochs that they got, and are never chosen.

    Args:
        eta: Of eta recipes one goes on, to eta times as many epochs; at least 2.

    Raises:
        SearchError: If ``eta`` is less than 2.

    Reference: Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar 2018, "Hyperband: a novel bandit-based approach to
    hyperparameter optimization", algorithm 1.
    """

    def __init__(self, eta: int = 3) -> None:
        if eta < 2:
            raise SearchError(f"Hyperband needs eta >= 2, since one of eta recipes goes on; got {eta}.")
        self._eta = eta

    def bracket(self, number: int, epochs: int) -> Bracket:
        """Bracket ``s_max - number``, and after bracket 0 from the beginning."""
        brackets = len(geometric(self._eta, epochs, epochs + 1))
        s = brackets - 1 - number % brackets
        return Bracket(math.ceil(brackets * self._eta**s / (s + 1)), geometric(self._eta, epochs, s + 1), self._eta)

    def propose(self, asked: Round) -> list[Values]:
        """Random recipes."""
        return draw_new(asked)

    def trials(self, space: Recipe, epochs: int) -> int:  # noqa: ARG002 - whatever the space
        """All brackets once."""
        brackets = len(geometric(self._eta, epochs, epochs + 1))
        return sum(self.bracket(number, epochs).size for number in range(brackets))
