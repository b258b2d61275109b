"""Recipes drawn at random by counters: the number of a recipe in its search keys its draws."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridle.choosing._addresses import along, matters, whole_numbers
from bridle.choosing.strategies._base import Round, Values
from bridle.core import Between, Choice, Recipe

DRAWS = 100
"""Draws that may repeat an earlier recipe before a new one is sought otherwise."""


def draw_new(asked: Round) -> list[Values]:
    """As many random recipes as are wanted, none of them tried before; fewer where a finite space runs out."""
    seen, found = asked.seen, []
    for place in range(asked.size):
        fixed = asked.first[place] if place < len(asked.first) else {}
        new = another(asked, place, seen, fixed)
        if new is None:
            break
        seen.append(new)
        found.append(new)
    return found


def another(
    asked: Round, place: int, seen: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any] | None = None
) -> Values | None:
    """A random recipe for one place of a round that is not among ``seen``; ``None`` where there is none left."""
    draws = (_draw(asked, place, attempt, {} if attempt else fixed or {}) for attempt in range(DRAWS + 1))
    return next((values for values in itertools.chain(draws, unseen(asked.space, seen)) if values not in seen), None)


def unseen(space: Recipe, seen: Sequence[Mapping[str, Any]]) -> Iterator[Values]:
    """The recipes of a finite space that are not among ``seen``; none of an infinite one."""
    free = space.free()
    if not any(isinstance(value, Between) for value in free.values()):
        grid = combinations({address: list(dict.fromkeys(value.values)) for address, value in free.items()})
        yield from (values for values in grid if values not in seen)


def combinations(allowed: Mapping[str, Sequence[Any]]) -> Iterator[Values]:
    """Every recipe whose free dials take the allowed values, once, in the order of :func:`itertools.product`."""
    seen: list[Values] = []
    for chosen in itertools.product(*allowed.values()):
        values = dict(zip(allowed, chosen, strict=True))
        values = {address: value for address, value in values.items() if matters(address, values)}
        if len(values) == len(allowed) or values not in seen:
            seen += [values] if len(values) < len(allowed) else []
            yield values


def _draw(asked: Round, place: int, attempt: int, fixed: Mapping[str, Any]) -> Values:
    """A recipe with every free dial uniform on its own scale; dials of what is left out are not drawn."""
    values: Values = {}
    for address in asked.space.free():
        if matters(address, values):
            share = asked.key("draw", asked.start + place, attempt, address) / 2**64
            values[address] = fixed[address] if address in fixed else _at(asked.space, address, share)
    return values


def _at(space: Recipe, address: str, share: float) -> Any:
    """The value at a share of a free dial; of whole numbers each has the room between its neighbours' middles."""
    free = space.free()[address]
    if isinstance(free, Choice) or address not in whole_numbers(space):
        return along(space, address, share)
    low, high = free.low - 0.5, free.high + 0.5
    value = low * (high / low) ** share if free.log else low + share * (high - low)
    return min(max(round(value), int(free.low)), int(free.high))
