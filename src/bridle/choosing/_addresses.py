"""The free dials of a space by address: which of them take whole numbers, which matter, and where their middle is."""

import math
from collections.abc import Mapping
from typing import Any

from bridle.core import Between, Choice, Recipe, Training, dials


def whole_numbers(space: Recipe) -> set[str]:
    """The addresses of the dials that take whole numbers only."""
    found = {f"training.{name}" for name, bounds in dials(Training).items() if bounds.integer}
    for item in space.regularizers:
        found |= {f"{item.key}.{name}" for name, bounds in dials(type(item)).items() if bounds.integer}
    return found


def matters(address: str, values: Mapping[str, Any]) -> bool:
    """Whether a dial has an effect beside ``values``: those of a regularizer that is left out have none."""
    item, _, dial = address.rpartition(".")
    return dial == "active" or bool(values.get(f"{item}.active", True))


def middle(space: Recipe, address: str) -> Any:
    """The value in the middle of a free dial, on its own scale; of a choice the one in the middle of the list."""
    match space.free()[address]:
        case Choice(values):
            return values[len(values) // 2]
        case Between(low, high, log):
            value = math.sqrt(low * high) if log else (low + high) / 2
            return round(value) if address in whole_numbers(space) else value
