"""Update rules around the optimizer's step."""

from collections.abc import Callable, Iterator, Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bridle.core import Draws, Proximal, Recipe, Update, UpdateRule
from bridle.core.scope import parameters, resolve
from bridle.engine.unfit import refuse_transposed, refuse_types
from bridle.errors import RecipeError, ScopeError


@final
class Updates:
    """A recipe's update rules, bound to the weights of one model.

    Args:
        model: The model.
        optimizer: Its optimizer.
        recipe: The recipe; nothing free in it.
        copies: The tensors that the optimizer holds in place of the model's weights, by the weights' names.

    Raises:
        ScopeError: If a rule's scope matches no weight that the optimizer moves.
        RecipeError: If a rule would undo another one, or the metric of a penalty with exact zeros.
    """

    def __init__(
        self, model: nn.Module, optimizer: Optimizer, recipe: Recipe, copies: Mapping[str, Tensor] | None = None
    ) -> None:
        self._optimizer = optimizer
        self._rules = recipe.of(UpdateRule)
        weights = {name: weight for name, (_, _, weight) in parameters(model).items()} | dict(copies or {})
        moved = {weight for group in optimizer.param_groups for weight in group["params"]}
        self.scopes = {
            rule.key: [name for name in resolve(model, rule.scope, who=rule.key) if weights[name] in moved]
            for rule in self._rules
        }
        self.parts = [
            (part, {name: weights[name] for name in names})
            for rule in self._rules
            for part, names in rule.layered(self.scopes[rule.key])
        ]
        for rule in self._rules:
            refuse_transposed(rule, model, self.scopes[rule.key])
            refuse_types(rule, {name: weights[name] for name in self.scopes[rule.key]})
        self._running: list[Iterator[None]] = []
        self._refuse_idle()
        self._refuse_order()
        self._refuse_metrics(model, recipe)

    def _refuse_idle(self) -> None:
        for rule in self._rules:
            if not self.scopes[rule.key]:
                raise ScopeError(f"{rule.key} with scope {rule.scope!r} matches no weight that the optimizer moves.")

    def _refuse_order(self) -> None:
        for place, rule in enumerate(self._rules):
            if rule.recomputes and place:
                raise RecipeError(
                    f"{rule.key} takes the gradient anew, which would undo what {self._rules[0].key} does before it. "
                    f"Put {rule.key} first among the rules of the update; there can be only one such rule."
                )

    def _refuse_metrics(self, model: nn.Module, recipe: Recipe) -> None:
        for rule in self._rules:
            for penalty in recipe.of(Proximal) if rule.changes_metric else ():
                shared = sorted(set(self.scopes[rule.key]) & set(resolve(model, penalty.scope, who=penalty.key)))
                if shared:
                    raise RecipeError(
                        f"{rule.key} changes the step of {shared[0]}, so that {penalty.key} has no exact step there. "
                        "Give them different scopes, or leave one of them out."
                    )

    @property
    def rules(self) -> tuple[UpdateRule, ...]:
        """The rules, in the recipe's order."""
        return self._rules

    def refuse_settling(self) -> None:
        """Refuse steps without these rules where one of them keeps weights within a bound.

        Raises:
            RecipeError: With its name.
        """
        for rule in self._rules:
            if rule.constrains:
                raise RecipeError(
                    f"{rule.key} keeps weights within a bound, which the closing phase does not know: it would leave "
                    "it. Train without one of the two."
                )

    @property
    def recompute(self) -> bool:
        """Whether a rule takes the gradient anew."""
        return any(rule.recomputes for rule in self._rules)

    @torch.no_grad()
    def before(self, draws: Draws, progress: float, gradient_at: Callable[[], None]) -> None:
        """Start the rules in the recipe's order; call it after clipping, before the penalties' gradients are added.

        Weights without a gradient are left alone, as the optimizer does.

        Args:
            draws: The draws of this step.
            progress: The share of the training that is done, for schedules.
            gradient_at: Recomputes the clipped data gradient at the present weights into ``.grad``.
        """
        self._running = []
        if not self._rules:
            return
        rates = {weight: float(group["lr"]) for group in self._optimizer.param_groups for weight in group["params"]}
        for rule, scope in self.parts:
            weights = {name: weight for name, weight in scope.items() if weight.grad is not None}
            if weights:
                update = Update(
                    list(weights),
                    [rates[weight] for weight in weights.values()],
                    draws,
                    torch.enable_grad()(gradient_at),
                )
                running = rule.at(progress).around(list(weights.values()), update)
                next(running)
                self._running.append(running)

    def after(self) -> None:
        """Finish the rules in the reverse order; call it after the step and the penalties' proximal steps."""
        while self._running:
            with torch.no_grad():
                if next(self._running.pop(), self) is not self:
                    raise AssertionError("An update rule must yield exactly once.")
