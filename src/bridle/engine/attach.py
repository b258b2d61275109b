"""Attach a recipe to a user's own model, optimizer and loop."""

from collections.abc import Mapping
from numbers import Integral

from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer, SparseAdam

from bridle.core import LossTerm, Penalty, Recipe, UpdateRule
from bridle.engine.handle import Handle
from bridle.engine.overlaps import warn
from bridle.engine.unwrapped import plain_optimizer, unwrapped
from bridle.errors import RecipeError

KINDS = (LossTerm, Penalty, UpdateRule)
"""What acts on weights and steps; the others act on batches, activations and epochs, which are the user's here."""


def attach(
    model: nn.Module,
    optimizer: Optimizer,
    recipe: Recipe,
    *,
    steps: int | None = None,
    seed: int = 0,
    copies: Mapping[str, Tensor] | None = None,
) -> Handle:
    """Let a recipe's penalties and update rules act at each ``optimizer.step()`` of a loop of your own.

    Penalties act exactly: after clipping, once per optimizer step whatever the number of micro-batches or replicas, and
    never in the loss. Loss terms are added by you: ``loss = loss + handle.terms()``. The recipe's training settings are
    not used: optimizer, rates and epochs are the loop's.

    Args:
        model: The model; compiled, wrapped for several replicas, or by Accelerate or Fabric as well.
        optimizer: An optimizer of torch's over the model's parameters, or what Accelerate or Fabric made of it.
        recipe: The recipe, nothing free in it.
        steps: How many optimizer steps the training takes, for dials that follow a schedule.
        seed: Of the draws of update rules and loss terms.
        copies: Where weights are of low precision, the float32 tensors that the optimizer holds in their place, by
            the weights' names in the model.

    Returns:
        A handle with scopes, findings, the penalty's value, the loss terms, state, ``settle`` and ``detach``.

    Raises:
        RecipeError: If the recipe has free dials or kinds that act elsewhere, the optimizer is refused or attached
            already, or it does not hold the model's parameters.
        ScopeError: If a penalty's scope matches no weight.

    Findings, such as a penalty on top of the optimizer's own ``weight_decay``, are also given as warnings.
    """
    _refuse_arguments(model, optimizer, recipe)
    model, optimizer = unwrapped(model), plain_optimizer(optimizer)
    _refuse_recipe(recipe)
    refuse_open(recipe, steps)
    _refuse_optimizer(optimizer)
    _refuse_strangers(model, optimizer, copies or {})
    handle = Handle(model, optimizer, recipe, steps=steps, seed=seed, copies=copies)
    warn(handle.findings, otherwise=handle.detach)
    return handle


def _refuse_arguments(model: object, optimizer: object, recipe: object) -> None:
    given = {"model": (model, nn.Module), "optimizer": (optimizer, Optimizer), "recipe": (recipe, Recipe)}
    for name, (value, kind) in given.items():
        if not isinstance(value, kind):
            raise RecipeError(
                f"attach(model, optimizer, recipe) takes as {name} a {kind.__name__}; got {type(value).__name__}."
            )


def _refuse_recipe(recipe: Recipe) -> None:
    for item in recipe.regularizers:
        if not isinstance(item, KINDS):
            raise RecipeError(
                f"attach(...) applies penalties, loss terms and update rules; {item.key} is none of these, and would "
                "be without effect. Leave it out of this recipe, or train with bridle.fit."
            )
    if not recipe.regularizers:
        raise RecipeError("attach(...) needs a recipe with a regularizer in it; this one is empty.")


def refuse_open(recipe: Recipe, steps: int | None, who: str = "attach") -> None:
    """Refuse a recipe with free dials, or with schedules where the length of the training is not known.

    Raises:
        RecipeError: With what is free or scheduled.
    """
    if recipe.is_space:
        raise RecipeError(
            f"{who}(...) needs a value for every dial; free are {', '.join(recipe.free())}. bridle.search chooses them."
        )
    for item in recipe.regularizers:
        if steps is None and item.is_scheduled:
            raise RecipeError(
                f"{item.key} follows a schedule over the training: say how long that is with {who}(..., steps=...)."
            )
    if steps is not None and (not isinstance(steps, Integral) or steps < 1):
        raise RecipeError(f"{who}(steps=...) must be a whole number of optimizer steps, 1 or more; got {steps!r}.")


def _refuse_optimizer(optimizer: Optimizer) -> None:
    name = type(optimizer).__name__
    if isinstance(optimizer, LBFGS):
        raise RecipeError(
            "LBFGS evaluates its closure many times in one step, where a penalty's gradient belongs in each: it is "
            "not served. Use SGD or an Adam, or add the penalty to the loss of the closure."
        )
    if isinstance(optimizer, SparseAdam):
        raise RecipeError("SparseAdam takes sparse gradients only; a penalty's gradient is dense. Use Adagrad or SGD.")
    if any(group.get("maximize") for group in optimizer.param_groups):
        raise RecipeError(f"{name}(maximize=True) turns a penalty into a reward. Minimise the negative instead.")
    for hook in optimizer._optimizer_step_pre_hooks.values():
        if isinstance(getattr(hook, "__self__", None), Handle):
            raise RecipeError(
                f"This {name} has a recipe attached already: each penalty would act twice. Call handle.detach() first, "
                "or put all regularizers into one recipe."
            )


def _refuse_strangers(model: nn.Module, optimizer: Optimizer, copies: Mapping[str, Tensor]) -> None:
    weights = dict(model.named_parameters())
    unknown = sorted(set(copies) - set(weights))
    if unknown:
        raise RecipeError(f"copies names {', '.join(unknown)}; the model has {', '.join(weights)}.")
    for name, copy in copies.items():
        if copy.shape != weights[name].shape:
            raise RecipeError(
                f"copies[{name!r}] has shape {tuple(copy.shape)}; the weight has {tuple(weights[name].shape)}."
            )
    held = {weight for group in optimizer.param_groups for weight in group["params"]}
    if not held & {*weights.values(), *copies.values()}:
        raise RecipeError(
            f"The {type(optimizer).__name__} holds none of the model's parameters. Was it made for another model, or "
            "before the model was moved or copied? Make it from model.parameters()."
        )
