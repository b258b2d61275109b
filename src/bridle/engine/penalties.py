"""Penalties on the weights, applied exactly: a gradient before the optimizer's step, a proximal step after it."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from bridle.core import Penalty, Proximal, Recipe
from bridle.core.scope import parameters, resolve
from bridle.engine.movement import movement
from bridle.errors import RecipeError, ScopeError


@final
class Penalties:
    """A recipe's penalties, bound to the weights of one model.

    Args:
        model: The model.
        optimizer: Its optimizer; the proximal steps use its metric.
        recipe: The recipe.

    Raises:
        ScopeError: If a penalty's scope matches no weight, or weights that it cannot take.
        RecipeError: If two penalties with exact zeros share a weight, or one has no exact step under the optimizer.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, recipe: Recipe) -> None:
        weights = {name: weight for name, (_, _, weight) in parameters(model).items()}
        self._optimizer = optimizer
        self._group: dict[Tensor, dict[str, Any]] = {
            weight: group for group in optimizer.param_groups for weight in group["params"]
        }
        self.scopes = {item.key: resolve(model, item.scope, who=item.key) for item in recipe.of(Penalty)}
        self._weights = {key: [weights[name] for name in names] for key, names in self.scopes.items()}
        self._declared: tuple[Penalty, ...] = recipe.of(Penalty)
        self._penalties = self._declared
        self._refuse_overlaps(recipe)
        self._refuse_metrics(recipe)
        self._refuse_shapes(recipe)

    def _refuse_overlaps(self, recipe: Recipe) -> None:
        for one, other in combinations(recipe.of(Proximal), 2):
            shared = sorted(set(self.scopes[one.key]) & set(self.scopes[other.key]))
            if shared:
                raise RecipeError(
                    f"{one.key} and {other.key} both make exact zeros on {shared[0]}; no exact step is known for "
                    "the two together. Give them different scopes, or use elastic_net for L1 with L2 and "
                    "sparse_group_lasso for L1 with groups."
                )

    def _refuse_metrics(self, recipe: Recipe) -> None:
        for penalty in recipe.of(Proximal):
            if penalty.one_step and not isinstance(self._optimizer, SGD):
                raise RecipeError(
                    f"{penalty.key} has no exact step under {type(self._optimizer).__name__}, which moves each weight "
                    'by a step of its own. Use training.optimizer = "sgd".'
                )

    def _refuse_shapes(self, recipe: Recipe) -> None:
        for penalty in recipe.of(Penalty):
            weights = self._weights[penalty.key]
            if reason := penalty.refuses([weight.shape for weight in weights]):
                found = zip(self.scopes[penalty.key], weights, strict=True)
                listing = ", ".join(f"{name} {tuple(weight.shape)}" for name, weight in found)
                raise ScopeError(f"{penalty.key} {reason}; its scope has {listing}.")

    def schedule(self, progress: float) -> None:
        """Set every scheduled strength to its value at the share ``progress`` of the training."""
        self._penalties = tuple(item.at(progress) for item in self._declared)

    @torch.no_grad()
    def add_gradients(self) -> None:
        """Add each smooth penalty's gradient to the weights' gradients; call it after clipping, before the step."""
        for penalty in self._penalties:
            if not isinstance(penalty, Proximal):
                weights = [weight for weight in self._weights[penalty.key] if weight.grad is not None]
                gradients = [weight.grad for weight in weights if weight.grad is not None]
                if weights:
                    penalty.add_gradient(weights, gradients)

    @torch.no_grad()
    def proximal_steps(self) -> None:
        """Take each proximal penalty's step in the optimizer's metric; call it right after the optimizer's step."""
        for penalty in self._penalties:
            if isinstance(penalty, Proximal):
                weights: list[Tensor] = [weight for weight in self._weights[penalty.key] if weight.grad is not None]
                if len(weights) > int(penalty.takes_pair):
                    steps = [movement(self._optimizer, self._group[weight], weight) for weight in weights]
                    torch._foreach_copy_(weights, penalty.prox(weights, steps))

    @torch.no_grad()
    def value(self) -> float:
        """The sum of all penalties at the present weights."""
        return sum(float(penalty.value(self._weights[penalty.key])) for penalty in self._penalties)

    def keep_zeros(self, averaged: Mapping[str, Tensor], live: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Averaged weights with the exact zeros of the live ones, in the scope of the proximal penalties."""
        sparse = {name for item in self._penalties if isinstance(item, Proximal) for name in self.scopes[item.key]}
        return {
            name: torch.where(live[name] == 0, live[name], value) if name in sparse else value
            for name, value in averaged.items()
        }
