"""A recipe's penalties and update rules, bound to the weights of one Keras model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Self, final

from bridle.core import Penalty, Proximal, Recipe, UpdateRule
from bridle.errors import RecipeError, ScopeError
from bridle.integrations.keras.metric import is_uniform, metric
from bridle.integrations.keras.scope import Weight, refuse_axes, resolve


@final
@dataclass(frozen=True, eq=False)
class Part:
    """A penalty or an update rule with one value per dial, on the weights that share them.

    Args:
        declared: The regularizer, perhaps with schedules.
        weights: The weights.
    """

    declared: Any
    weights: list[Weight]

    @property
    def exact(self) -> bool:
        """Whether it acts by a proximal step."""
        return isinstance(self.declared, Proximal) and not self.declared.gradient_only

    def trained(self, places: Mapping[int, int]) -> list[Weight]:
        """Those of its weights that have a gradient, whose places by the variables' ids these are."""
        return [weight for weight in self.weights if id(weight.variable) in places]


@final
@dataclass(frozen=True, eq=False)
class Parts:
    """A recipe's parts by the point of the step where they act.

    Args:
        rules: Around the step.
        smooth: On the gradients before it.
        exact: On the weights after it.
    """

    rules: list[Part]
    smooth: list[Part]
    exact: list[Part]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Self:
        """Sort parts, each kind in the recipe's order."""
        penalties = [part for part in parts if isinstance(part.declared, Penalty)]
        return cls(
            rules=[part for part in parts if isinstance(part.declared, UpdateRule)],
            smooth=[part for part in penalties if not part.exact],
            exact=[part for part in penalties if part.exact],
        )


def bind(model: Any, optimizer: Any, recipe: Recipe) -> list[Part]:
    """The penalties and update rules of a recipe, each with its weights, in the recipe's order.

    Raises:
        ScopeError: If a scope covers no weight, or weights that the penalty cannot take.
        RecipeError: If a weight is of low precision or its axes are unknown, no exact step is known, or two
            regularizers exclude each other.
    """
    parts = [
        part for item in recipe.regularizers if isinstance(item, Penalty | UpdateRule) for part in _of(model, item)
    ]
    if any(part.exact for part in parts):
        metric(optimizer)
    for part in parts:
        if part.exact and part.declared.one_step and not is_uniform(optimizer):
            raise RecipeError(
                f"{part.declared.key} has no exact step under {type(optimizer).__name__}, which moves each weight by "
                "a step of its own. Use SGD."
            )
    _refuse_overlaps([part for part in parts if part.exact], parts)
    return parts


def _of(model: Any, item: Penalty | UpdateRule) -> Iterator[Part]:
    found = resolve(model, item.scope, who=item.key)
    refuse_axes(item, found)
    for weight in found:
        if str(weight.variable.dtype) not in ("float32", "float64"):
            raise RecipeError(
                f"{item.key} covers {weight.name}, which is {weight.variable.dtype}: most of what it takes off is lost "
                "in rounding there. Keep the weights in float32 by the dtype policy mixed_bfloat16."
            )
    shapes = {w.name: tuple(int(w.variable.shape[axis]) for axis in w.permutation()) for w in found}
    if isinstance(item, Penalty) and (reason := item.refuses(list(shapes.values()))):
        listing = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ScopeError(f"{item.key} {reason}; its scope has, neurons first, {listing}.")
    by_name = {weight.name: weight for weight in found}
    for part, names in item.layered(list(by_name)):
        yield Part(part, [by_name[name] for name in names])


def _refuse_overlaps(exact: list[Part], parts: Iterable[Part]) -> None:
    for one, other in combinations(exact, 2):
        if shared := _shared(one, other):
            raise RecipeError(
                f"{one.declared.key} and {other.declared.key} both make exact zeros on {shared}; no exact step is "
                "known for the two together. Give them different scopes, or use elastic_net for L1 with L2 and "
                "sparse_group_lasso for L1 with groups."
            )
    for rule in parts:
        for penalty in exact if isinstance(rule.declared, UpdateRule) and rule.declared.changes_metric else ():
            if shared := _shared(rule, penalty):
                raise RecipeError(
                    f"{rule.declared.key} changes the step of {shared}, so that {penalty.declared.key} has no exact "
                    "step there. Give them different scopes, or leave one of them out."
                )


def _shared(one: Part, other: Part) -> str:
    names = {weight.name for weight in one.weights} & {weight.name for weight in other.weights}
    return min(names, default="")
