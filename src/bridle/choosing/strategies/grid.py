"""Grid search."""

import itertools
import math
from typing import Any, final

from bridle.choosing._addresses import along
from bridle.choosing.strategies._base import Bracket, Round, Strategy, Values
from bridle.choosing.strategies._draws import combinations
from bridle.core import Choice, Recipe
from bridle.errors import SearchError

MOST = 10_000
"""Recipes of a grid that is tried without a budget."""


@final
class Grid(Strategy):
    """Every combination of choices, and of evenly spaced points of each range on its own scale.

    In the order of :func:`itertools.product` over the free dials. Searches that share a study share the grid: each
    takes the next recipes that nobody has asked.

    Args:
        points: Points of each range, its ends included; 1 for its middle.
        size: Recipes per round.

    Raises:
        SearchError: If ``points`` is not positive.
    """

    def __init__(self, points: int = 5, size: int = 4) -> None:
        if points < 1:
            raise SearchError(f"A grid needs at least 1 point of each range; got {points}.")
        self._points, self._size = points, size

    def bracket(self, number: int, epochs: int) -> Bracket:  # noqa: ARG002 - all rounds are alike
        """All recipes are trained to their end."""
        return Bracket(self._size, (epochs,))

    def propose(self, asked: Round) -> list[Values]:
        """The next ones that were not asked."""
        seen = asked.seen
        left = (values for values in combinations(self._allowed(asked.space)) if values not in seen)
        return list(itertools.islice(left, asked.size))

    def trials(self, space: Recipe, epochs: int) -> int:  # noqa: ARG002 - the whole grid, however long it takes
        """All of them.

        Raises:
            SearchError: If they are more than :data:`MOST`.
        """
        allowed = self._allowed(space)
        if (count := math.prod(len(values) for values in allowed.values())) > MOST:
            raise SearchError(
                f"A grid over {len(allowed)} free dials has up to {count:,} recipes. Take fewer points, free fewer "
                "dials, set a budget, or choose another strategy."
            )
        return sum(1 for _ in combinations(allowed))

    def _allowed(self, space: Recipe) -> dict[str, list[Any]]:
        shares = [0.5] if self._points == 1 else [place / (self._points - 1) for place in range(self._points)]
        return {
            address: list(
                dict.fromkeys(
                    free.values if isinstance(free, Choice) else [_inside(space, address, share) for share in shares]
                )
            )
            for address, free in space.free().items()
        }


def _inside(space: Recipe, address: str, share: float) -> Any:
    """The value at a share of a range, which rounding does not take beyond its ends."""
    free = space.free()[address]
    value = along(space, address, share)
    return min(max(value, free.low), free.high)
