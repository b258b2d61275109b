"""Random search."""

from typing import final

from bridle.choosing.strategies._base import Bracket, Round, Strategy, Values
from bridle.choosing.strategies._draws import draw_new
from bridle.core import Recipe


@final
class Random(Strategy):
    """Every free dial uniform on its own scale, independently of what was told.

    Args:
        size: Recipes per round.

    Reference: Bergstra and Bengio 2012, "Random search for hyper-parameter optimization".
    """

    def __init__(self, size: int = 4) -> None:
        self._size = size

    def bracket(self, number: int, epochs: int) -> Bracket:  # noqa: ARG002 - all rounds are alike
        """All recipes are trained to their end."""
        return Bracket(self._size, (epochs,))

    def propose(self, asked: Round) -> list[Values]:
        """Draws that are keyed by the recipe's number."""
        return draw_new(asked)

    def trials(self, space: Recipe, epochs: int) -> int | None:  # noqa: ARG002 - any number will do
        """A number that fits the data."""
        return None
