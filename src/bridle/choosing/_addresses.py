"""The free dials of a space by address: which of them take whole numbers, which matter, and where their middle is."""

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


def along(space: Recipe, address: str, share: float) -> Any:
    """The value at a share of a free dial's range, on its own scale; of a choice the one there in the list."""
    match space.free()[address]:
        case Choice(values):
            return values[min(int(len(values) * share), len(values) - 1)]
        case Between(low, high, log):
            value = low * (high / low) ** share if log else low + share * (high - low)
            return round(value) if address in whole_numbers(space) else value


def middle(space: Recipe, address: str) -> Any:
    """The value in the middle of a free dial, on its own scale; of a choice the one in the middle of the list."""
    return along(space, address, 0.5)


def nearest(space: Recipe, address: str, value: float) -> Any:
    """The allowed value of a free dial that is nearest to ``value``."""
    match space.free()[address]:
        case Choice(values):
            return min(values, key=lambda allowed: abs(allowed - value))
        case Between(low, high):
            return min(max(value, low), high)
