"""A recipe's strengths in every convention."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridle.core.conventions.convert import Conversion, sayings, unsaid
from bridle.core.conventions.convertible import Convertible
from bridle.core.conventions.table import CONVENTIONS
from bridle.core.dials import FREE, Between, Choice, Schedule
from bridle.core.kinds import Penalty
from bridle.core.regularizer import Regularizer
from bridle.core.training import Training

_ENTERS = ("momentum", "batch_size", "learning_rate")


def explain(regularizers: Sequence[Regularizer], training: Training, given: Mapping[str, Any]) -> str:
    """The text of :meth:`bridle.Recipe.explain`.

    Args:
        regularizers: Those of the recipe.
        training: Its training settings: what is settled of momentum, batch size and learning rate enters.
        given: Other quantities, by name.
    """
    settled = {name: value for name in _ENTERS if not isinstance(value := getattr(training, name), FREE)}
    quantities = settled | dict(given)
    blocks = []
    for item in regularizers:
        if isinstance(item, Convertible):
            blocks.append(_block(item.key, item.strengths, quantities))
        elif isinstance(item, Penalty):
            blocks.append(
                f"{item.key}\n  multiplies its own form beside the mean data loss; no other convention states it."
            )
    if training.optimizer == "adamw" and training.weight_decay != 0.0:
        blocks.append(_block("training.weight_decay", {"decay": training.weight_decay}, quantities))
    others = [item.key for item in regularizers if not isinstance(item, Penalty)]
    if others:
        blocks.append(f"{', '.join(others)}\n  no penalty on weights: what it is set to means the same everywhere.")
    return "\n\n".join(blocks) or "The recipe has no penalty on weights."


def _block(key: str, strengths: Mapping[str, Any], quantities: Mapping[str, Any]) -> str:
    """The block of one strength, in which each end of a free or scheduled one is stated."""
    ends = [_ends(value) for value in strengths.values()]
    names = [f"{key}, {end}" for end in ("from", "to")] if any(low != high for low, high in ends) else [key]
    rows = tuple(CONVENTIONS.values())
    conversions = []
    for place, name in enumerate(names):
        at = {strength: end[place] for strength, end in zip(strengths, ends, strict=True)}
        conversions.append(Conversion(name, at, sayings(at, quantities, rows)))
    return "\n".join([*(conversion.said() for conversion in conversions), *unsaid(conversions)])


def _ends(value: Any) -> tuple[float, float]:
    match value:
        case Between(low, high):
            return low, high
        case Choice(values):
            return min(values), max(values)
        case Schedule(start, end):
            return start, end
        case _:
            return value, value
