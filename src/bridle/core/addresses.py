"""Every setting of a recipe by its address, such as ``"l2.strength"`` or ``"training.epochs"``: read and replaced."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from bridle.core.recipe import Recipe
from bridle.core.regularizer import Regularizer
from bridle.core.training import Training
from bridle.errors import RecipeError


def settings(recipe: Recipe) -> dict[str, Any]:
    """Every dial and setting by address, the training's first; of a regularizer all but its label, which is its key."""
    return {
        f"{key}.{name}": getattr(record, name) for key, record in _records(recipe).items() for name in _names(record)
    }


def with_settings(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with some settings replaced, by address; a value may be a free dial.

    Raises:
        RecipeError: If there is no such address, or a value is not allowed.
        DialError: If a number is out of bounds.
    """
    known = settings(recipe)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise RecipeError(f"{', '.join(unknown)} is no setting of this recipe; it has {', '.join(known)}.")
    changed = {
        key: dataclasses.replace(record, **_own(key, values)) if _own(key, values) else record
        for key, record in _records(recipe).items()
    }
    training = changed.pop("training")
    return Recipe(*changed.values(), training=training)


def _own(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    split = (address.rpartition(".") for address in values)
    return {name: values[f"{owner}.{name}"] for owner, _, name in split if owner == key}


def _records(recipe: Recipe) -> dict[str, Any]:
    return {"training": recipe.training} | {item.key: item for item in recipe.regularizers}


def _names(record: Training | Regularizer) -> list[str]:
    return [field.name for field in dataclasses.fields(record) if field.name != "label"]
