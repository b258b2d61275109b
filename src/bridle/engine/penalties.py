"""Penalties on the weights, applied exactly: a gradient before the optimizer's step, a proximal step after it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bridle.core import Penalty, Proximal, Recipe
from bridle.core.scope import parameters, resolve
from bridle.engine.anchors import starting_point
from bridle.engine.movement import Movement, State, is_uniform, metric
from bridle.engine.unfit import refuse_transposed, refuse_types
from bridle.errors import RecipeError, ScopeError

BLOCK = 2**18
"""Weights per block of a proximal step that needs a step for each: what is computed on the way stays in the cache."""


@dataclass(eq=False)
class Part:
    """A penalty with one value per dial, on the weights that share them.

    Args:
        declared: The penalty, perhaps with schedules.
        names: The full names of the weights.
        weights: The weights.
        start: The starting point of an anchored penalty, else empty.
    """

    declared: Penalty
    names: list[str]
    weights: list[Tensor]
    start: list[Tensor]

    def __post_init__(self) -> None:
        """Begin where the schedules do."""
        self.penalty = self.declared.at(0.0)
        self.exact = isinstance(self.declared, Proximal) and not self.declared.gradient_only

    def seen(self, weights: Iterable[Tensor]) -> list[Tensor]:
        """What the penalty is of: the weights, or how far they are from the starting point."""
        if not self.start:
            return list(weights)
        origin = dict(zip(self.weights, self.start, strict=True))
        return [weight - origin[weight] for weight in weights]

    @property
    def proximal(self) -> Proximal:
        """The penalty of an exact part."""
        return cast(Proximal, self.penalty)

    @property
    def trained(self) -> list[Tensor]:
        """The weights that have a gradient; the optimizer leaves the others alone, and so does the penalty.

        Of a pair that is tied together both have one, or none counts.
        """
        found = [weight for weight in self.weights if weight.grad is not None]
        return [] if self.declared.takes_pair and len(found) < 2 else found


@final
class Penalties:
    """A recipe's penalties, bound to the weights of one model.

    Args:
        model: The model.
        optimizer: Its optimizer; the proximal steps use its metric.
        recipe: The recipe.
        copies: The tensors that the optimizer holds in place of the model's weights, by the weights' names.

    Raises:
        ScopeError: If a penalty's scope matches no weight, or weights that it cannot take.
        RecipeError: If two penalties with exact zeros share a weight, one has no exact step under the optimizer, the
            optimizer holds no weight of its scope, a weight is complex or of low precision, or a starting point does
            not fit.

    Attributes:
        scopes: By penalty, the names of the weights that it acts on.
        outside: By penalty, the names in its scope that the optimizer does not hold.
    """

    def __init__(
        self, model: nn.Module, optimizer: Optimizer, recipe: Recipe, copies: Mapping[str, Tensor] | None = None
    ) -> None:
        weights = {name: weight for name, (_, _, weight) in parameters(model).items()} | dict(copies or {})
        self._optimizer = optimizer
        self._place = {
            weight: place for place, group in enumerate(optimizer.param_groups) for weight in group["params"]
        }
        matched = {item.key: resolve(model, item.scope, who=item.key) for item in recipe.of(Penalty)}
        self.scopes = {key: [name for name in names if weights[name] in self._place] for key, names in matched.items()}
        self.outside = {key: [name for name in names if name not in self.scopes[key]] for key, names in matched.items()}
        self._refuse_strangers()
        self.parts = list(self._divide(model, recipe, weights))
        self._moving = [part for part in self.parts if part.declared.moves]
        self._smooth = [part for part in self.parts if not part.exact]
        self._exact = [part for part in self.parts if part.exact]
        _refuse_overlaps(self._exact)
        self._refuse_metrics()
        self._refuse_shapes(recipe, weights)

    def _divide(self, model: nn.Module, recipe: Recipe, weights: Mapping[str, Tensor]) -> Iterator[Part]:
        for item in recipe.of(Penalty):
            refuse_transposed(item, model, self.scopes[item.key])
            refuse_types(item, {name: weights[name] for name in self.scopes[item.key]})
            start = starting_point(item, {name: weights[name] for name in self.scopes[item.key]})
            for penalty, names in item.layered(self.scopes[item.key]):
                yield Part(penalty, names, [weights[name] for name in names], [start[name] for name in names if start])

    def _refuse_strangers(self) -> None:
        for key, names in self.scopes.items():
            if not names:
                raise RecipeError(
                    f"{key} covers {', '.join(self.outside[key])}, none of which the {type(self._optimizer).__name__} "
                    "holds: it would be without effect. Give it another scope, or the optimizer these weights."
                )

    def _refuse_metrics(self) -> None:
        self._movement: Movement = metric(self._optimizer) if self._exact else _none
        for part in self._exact:
            if part.proximal.one_step and not is_uniform(self._optimizer):
                raise RecipeError(
                    f"{part.declared.key} has no exact step under {type(self._optimizer).__name__}, which moves each "
                    'weight by a step of its own. Use training.optimizer = "sgd".'
                )

    def _refuse_shapes(self, recipe: Recipe, weights: Mapping[str, Tensor]) -> None:
        for penalty in recipe.of(Penalty):
            found = {name: tuple(weights[name].shape) for name in self.scopes[penalty.key]}
            if reason := penalty.refuses(list(found.values())):
                listing = ", ".join(f"{name} {shape}" for name, shape in found.items())
                raise ScopeError(f"{penalty.key} {reason}; its scope has {listing}.")

    def schedule(self, progress: float) -> None:
        """Set every scheduled strength to its value at the share ``progress`` of the training."""
        for part in self._moving:
            part.penalty = part.declared.at(progress)

    def add_gradients(self, scale: Tensor | None = None) -> None:
        """Add each smooth penalty's gradient to the weights' gradients; call it after clipping, before the step.

        Args:
            scale: What the gradients are multiplied by, where they are; a scalar.
        """
        for part in self._smooth:
            with torch.no_grad():
                self._add_gradient(part, part.trained, scale)

    def _add_gradient(self, part: Part, weights: list[Tensor], scale: Tensor | None) -> None:
        if not weights:
            return
        gradients = [_dense(weight) for weight in weights]
        if scale is None:
            part.penalty.add_gradient(part.seen(weights), gradients)
        else:
            slopes = part.penalty.gradient(part.seen(weights))
            torch._foreach_add_(gradients, [slope * scale for slope in slopes])

    def proximal_steps(self, skipped: Tensor | None = None) -> None:
        """Take each proximal penalty's step in the optimizer's metric; call it right after the optimizer's step.

        Args:
            skipped: Whether the optimizer skipped its step, where only the device knows; a scalar.
        """
        for part in self._exact:
            with torch.no_grad():
                for weights, steps in self._steps(part):
                    before = [] if skipped is None else [weight.clone() for weight in weights]
                    part.proximal.shrink(weights, steps)
                    for weight, old in zip(weights, before, strict=False):
                        weight.copy_(torch.where(skipped.bool(), old, weight))  # type: ignore[union-attr]

    def _steps(self, part: Part) -> Iterator[tuple[list[Tensor], list[Tensor | float]]]:
        """The weights with the movement of each, together; or block by block where that can be."""
        movement, groups = self._movement, self._optimizer.param_groups
        whole = part.trained
        if is_uniform(self._optimizer):
            lengths = [movement(group, {}) for group in groups]
            if whole:
                yield whole, [lengths[self._place[weight]] for weight in whole]
            return
        if part.proximal.separable:
            large = [weight for weight in whole if weight.numel() > BLOCK and weight.is_contiguous()]
            whole = [weight for weight in whole if weight.numel() <= BLOCK or not weight.is_contiguous()]
            for weight in large:
                blocks = zip(weight.view(-1).split(BLOCK), _blocks(self._state(weight), weight), strict=True)
                for block, state in blocks:
                    yield [block], [movement(groups[self._place[weight]], state)]
        if whole:
            yield whole, [movement(groups[self._place[weight]], self._state(weight)) for weight in whole]

    def _state(self, weight: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = dict(self._optimizer.state[weight])
        if weight.grad is not None and not weight.grad.is_sparse:
            state["grad"] = weight.grad
        return state

    @torch.no_grad()
    def shrink(self, step: float) -> None:
        """Take each proximal penalty's step for one length of step for all weights, whatever the optimizer."""
        for part in self._exact:
            weights = part.trained
            if weights:
                part.proximal.shrink(weights, [step] * len(weights))

    @torch.no_grad()
    def smooth_value(self) -> float:
        """The sum of the penalties that are applied by their gradient."""
        return sum(float(part.penalty.value(part.seen(part.weights))) for part in self._smooth)

    @torch.no_grad()
    def residual(self, weights: Iterable[Tensor]) -> float:
        """``max |w - prox(w - g, 1)|`` over ``weights``, whose ``.grad`` holds the gradient of the data loss alone."""
        self.add_gradients()
        moves = {weight: weight.grad for weight in weights}
        for part in self._exact:
            seen = part.trained
            ahead = [weight - cast(Tensor, weight.grad) for weight in seen]
            for weight, best in zip(seen, part.proximal.prox(ahead, [1.0] * len(seen)), strict=True):
                moves[weight] = weight - best
        largest = [float(move.abs().max()) for move in moves.values() if move is not None and move.numel()]
        return float(torch.tensor([0.0, *largest], dtype=torch.float64).max())  # NaN stays NaN

    @torch.no_grad()
    def value(self) -> float:
        """The sum of all penalties at the present weights."""
        return sum(float(part.penalty.value(part.seen(part.weights))) for part in self.parts)

    def keep_zeros(self, averaged: Mapping[str, Tensor], live: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Averaged weights with the exact zeros of the live ones, in the scope of the proximal penalties."""
        sparse = {name for part in self._exact for name in part.names}
        return {
            name: torch.where(live[name] == 0, live[name], value) if name in sparse else value
            for name, value in averaged.items()
        }

    def by_penalty(self) -> Iterator[tuple[Penalty, dict[str, Tensor]]]:
        """Each penalty with its weights by name."""
        for part in self.parts:
            yield part.declared, dict(zip(part.names, part.weights, strict=True))

    def state(self) -> dict[str, Tensor]:
        """The starting points, by penalty and weight."""
        return {
            f"{part.declared.key}/{name}": start.clone()
            for part in self.parts
            for name, start in zip(part.names, part.start, strict=False)
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the starting points from :meth:`state`."""
        for part in self.parts:
            for name, start in zip(part.names, part.start, strict=False):
                start.copy_(state[f"{part.declared.key}/{name}"])


def _none(_: State, __: State) -> float:
    """The movement where no penalty asks for one."""
    return 0.0


def _blocks(state: Mapping[str, Any], weight: Tensor) -> Iterator[dict[str, Any]]:
    """The state of a weight cut as the weight is; what is not like it goes to every block."""
    cut = {
        name: value.reshape(-1).split(BLOCK)
        for name, value in state.items()
        if isinstance(value, Tensor) and value.shape == weight.shape
    }
    rest = {name: value for name, value in state.items() if name not in cut}
    for parts in zip(*cut.values(), strict=True):
        yield rest | dict(zip(cut, parts, strict=True))


def _dense(weight: Tensor) -> Tensor:
    """The gradient, made dense where it is sparse: a penalty pulls at every row, not only at those of the batch."""
    if weight.grad is not None and weight.grad.is_sparse:
        weight.grad = weight.grad.to_dense()
    return cast(Tensor, weight.grad)


def _refuse_overlaps(parts: Iterable[Part]) -> None:
    for one, other in combinations(parts, 2):
        shared = sorted(set(one.names) & set(other.names))
        if shared:
            raise RecipeError(
                f"{one.declared.key} and {other.declared.key} both make exact zeros on {shared[0]}; no exact step is "
                "known for the two together. Give them different scopes, or use elastic_net for L1 with L2 and "
                "sparse_group_lasso for L1 with groups."
            )
