"""What a search must beat: no regularization, AdamW's decay and early stopping, each with its own learning rate."""

import math

import numpy as np

from bridle.choosing._addresses import middle
from bridle.core import Between, Choice, Recipe, Training, between, dials
from bridle.errors import SearchError
from bridle.regularizers.stopping import EarlyStopping

DECAY = 0.01
"""The default decay of torch's AdamW."""
PATIENCE_SHARE = 0.2
"""The share of the epochs that early stopping waits for an improvement."""


def baselines(space: Recipe) -> dict[str, Recipe]:
    """The three baselines by name, each with the learning rate free and nothing else.

    ``"none"`` has no regularization, ``"adamw"`` torch's AdamW with a decay of 0.01 and nothing else, ``"early
    stopping"`` patience and nothing else. The other settings are those of the space; where one is free there, epochs
    take the largest value (the best is read off the curve) and the others the one in the middle. A learning rate that
    is fixed in the space becomes a range of a factor of 10 around it.

    Args:
        space: The recipe, free dials or not, that is to be compared.
    """
    plain = _settled_but_for_the_rate(space)
    adamw = plain.replace(optimizer="adamw", weight_decay=DECAY)
    if plain.optimizer == "sgd":
        low, high = dials(Training)["learning_rate"].search or (3e-4, 1e-2)
        adamw = adamw.replace(learning_rate=between(low, high, log=True))
    patience = max(3, round(PATIENCE_SHARE * plain.epochs))
    return {
        "none": Recipe(training=plain),
        "adamw": Recipe(training=adamw),
        "early stopping": Recipe(EarlyStopping(patience=patience), training=plain),
    }


def baseline_grid(recipe: Recipe, n: int) -> list[Recipe]:
    """A baseline with ``n`` learning rates, evenly spaced on a logarithmic scale; fewer where a choice has fewer.

    Args:
        recipe: A baseline: only its learning rate is free.
        n: How many, at least 1; a single one stands in the middle.

    Raises:
        SearchError: If ``n`` is not positive.
    """
    if n < 1:
        raise SearchError(f"A baseline needs at least one learning rate; got n = {n}.")
    match recipe.free()["training.learning_rate"]:
        case Choice(values):
            ordered = sorted(set(values))
            places = np.linspace(0, len(ordered) - 1, n) if n > 1 else [len(ordered) // 2]
            rates = [float(ordered[place]) for place in sorted({round(place) for place in places})]
        case Between(low, high):
            rates = [math.sqrt(low * high)] if n == 1 else np.geomspace(low, high, n).tolist()
    return [recipe.settle({"training.learning_rate": rate}) for rate in rates]


def _settled_but_for_the_rate(space: Recipe) -> Training:
    free = space.training.free()
    rate = free.pop("learning_rate", None) or _around(space.training.learning_rate)
    values = {name: middle(space, f"training.{name}") for name in free}
    if "epochs" in free:
        values["epochs"] = _largest(free["epochs"])
    return space.training.replace(**values | {"learning_rate": rate, "weight_decay": 0.0, "expand": 0, "stop_after": 0})


def _around(rate: float) -> Between:
    return Between(rate / math.sqrt(10), rate * math.sqrt(10), log=True)


def _largest(free: Between | Choice) -> int:
    return int(max(free.values) if isinstance(free, Choice) else free.high)
