"""What a recipe cannot do in a skorch net."""

from typing import Any

from skorch.callbacks import Checkpoint
from torch import nn

from bridle.core import Augmentation, Averaging, LossTerm, Recipe, TargetRule
from bridle.errors import RecipeError


def refuse(net: Any, callback: Any) -> None:
    """Refuse what a callback's recipe cannot do in a net.

    Raises:
        RecipeError: If it is no recipe, or the net's modules, criterion or callbacks are not served.
    """
    recipe = callback.recipe
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"Regularize(recipe) takes a bridle.Recipe; got {type(recipe).__name__}.")
    modules, optimizers = list(net._modules), list(net._optimizers)
    if modules != ["module"] or optimizers != ["optimizer"]:
        raise RecipeError(
            f"Regularize serves a net with one module and one optimizer; this has {', '.join(modules + optimizers)}. "
            "Train it in a loop of your own with bridle.attach."
        )
    soft = [*recipe.of(TargetRule), *(item for item in recipe.of(Augmentation) if not item.keeps_labels)]
    acting = [item.key for item in (*soft, *recipe.of(LossTerm))]
    if acting and not isinstance(net.criterion_, nn.Module):
        raise RecipeError(
            f"{', '.join(acting)} needs a criterion that is an nn.Module; got {type(net.criterion_).__name__}."
        )
    if soft and isinstance(net.criterion_, nn.NLLLoss):
        raise RecipeError(
            f"{', '.join(item.key for item in soft)} gives rows of probabilities as targets, which NLLLoss does not "
            "take. Use criterion=nn.CrossEntropyLoss, with a module that gives logits."
        )
    before = [item for _, item in net.callbacks_[: [item for _, item in net.callbacks_].index(callback)]]
    if recipe.of(Averaging) and any(isinstance(item, Checkpoint) for item in before):
        raise RecipeError(
            "A Checkpoint before Regularize would keep averaged weights in place of those that training goes on with. "
            "List Regularize first."
        )
