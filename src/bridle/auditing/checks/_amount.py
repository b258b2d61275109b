"""How much of the weights an optimizer's own decay takes, against decoupled decay."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bridle.records import Entry


class Amount(NamedTuple):
    """What a decay takes from the weights, in units of what decoupled decay would take.

    Args:
        mean: The mean over the weights, in proportion to their squares.
        spread: The standard deviation around it, as a share of it.
        least: The parameter with the least, and how much.
        most: The parameter with the most, and how much.
    """

    mean: float
    spread: float
    least: tuple[str, float]
    most: tuple[str, float]


def amount_of(entries: Sequence[Entry]) -> Amount | None:
    """What the optimizer's own decay took from parameters on which nothing else pulls; ``None`` of none."""
    if not entries:
        return None
    expected = [entry.rate * entry.declared for entry in entries]
    parts = [entry.parts["penalty"] for entry in entries]
    taken = [part.shrink / one for part, one in zip(parts, expected, strict=True)]
    squares = [entry.size**2 for entry in entries]
    mean = sum(one * square for one, square in zip(taken, squares, strict=True)) / sum(squares)
    second = sum((part.size / one) ** 2 for part, one in zip(parts, expected, strict=True)) / sum(squares)
    spread = math.sqrt(max(second / mean**2 - 1.0, 0.0)) if mean > 0 else math.inf
    named = sorted(zip((entry.name for entry in entries), taken, strict=True), key=lambda pair: pair[1])
    return Amount(mean, spread, named[0], named[-1])
