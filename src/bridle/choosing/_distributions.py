"""The free dials of a space as Optuna's distributions."""

from typing import TYPE_CHECKING

from bridle.choosing._addresses import whole_numbers
from bridle.core import Choice, Recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def distributions(space: Recipe) -> dict[str, "BaseDistribution"]:
    """The distribution of each free dial by address."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    whole = whole_numbers(space)
    found: dict[str, BaseDistribution] = {}
    for address, free in space.free().items():
        if isinstance(free, Choice):
            found[address] = CategoricalDistribution(list(dict.fromkeys(free.values)))
        elif address in whole:
            found[address] = IntDistribution(int(free.low), int(free.high), log=free.log)
        else:
            found[address] = FloatDistribution(free.low, free.high, log=free.log)
    return found
