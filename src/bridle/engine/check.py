"""Whether a recipe can act on the data and the model at all: asked at the door, before anything is trained."""

from typing import Any

import numpy as np

from bridle.core import Augmentation, Choice, LossTerm, Recipe, TargetRule
from bridle.core.dials import Between
from bridle.engine.member import MemberTraining
from bridle.engine.setting import Setting
from bridle.errors import RecipeError
from bridle.models.places import places
from bridle.population import Member
from bridle.records import Fold, Layout, Mark, Task


def check_recipe(recipe: Recipe, layout: Layout) -> None:
    """Refuse a regularizer that cannot act on this kind of data.

    Raises:
        RecipeError: If an augmentation is made for another kind, or what acts on classes meets a regression.
    """
    for item in recipe.of(Augmentation):
        if reason := item.refuses(layout):
            raise RecipeError(f"{item.key} {reason}. Leave it out of the recipe.")
    if layout.task is Task.REGRESSION:
        classed = [*recipe.of(TargetRule), *(term for term in recipe.of(LossTerm) if term.needs_classes)]
        for rule in classed:
            raise RecipeError(f"{rule.key} acts on classes; this is a regression. Leave it out of the recipe.")
        if recipe.training.class_weights != "none":
            raise RecipeError("training.class_weights is for classes; this is a regression. Leave it out.")
    if recipe.training.expand and not recipe.of(Augmentation):
        raise RecipeError(
            "training.expand makes augmented copies, but the recipe has no augmentation. Add one, or expand = 0."
        )


def check_model(recipe: Recipe, setting: Setting) -> None:
    """Build the network once and bind the whole recipe to it, everything optional included.

    Raises:
        BridleError: If the network does not fit the data, or a scope matches nothing in it.
    """
    marks = np.full(len(setting.dataset), Mark.TRAIN, dtype=np.int8)
    MemberTraining(Member(0, fullest(recipe), Fold(0, marks), 0), setting)


def has_places(setting: Setting) -> bool:
    """Whether the network has any place where noise may act."""
    marks = np.full(len(setting.dataset), Mark.TRAIN, dtype=np.int8)
    return bool(places(MemberTraining(Member(0, Recipe(), Fold(0, marks), 0), setting).model))


def fullest(recipe: Recipe) -> Recipe:
    """A recipe out of a space with every optional regularizer on, and some allowed value for every free dial."""
    values: dict[str, Any] = {}
    for address, free in recipe.free().items():
        if address.endswith(".active"):
            values[address] = True
        elif isinstance(free, Choice):
            values[address] = free.values[-1]
        elif isinstance(free, Between):
            values[address] = free.low
    return recipe.settle(values) if values else recipe
