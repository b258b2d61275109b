"""Penalties and update rules as Keras operations, for a step that is compiled: a closed set, each one's formula again.

The regularizers' own code is torch's and cannot be compiled into a TensorFlow graph. These are the same formulas on
weights as Keras lays them out; the tests hold each against the regularizer's own.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np
from keras import ops

from bridle.integrations.keras.metric import Movement
from bridle.integrations.keras.moving import at, progress
from bridle.integrations.keras.parts import Part, Parts
from bridle.integrations.keras.scope import Weight
from bridle.regularizers.penalties import L1, L2, ElasticNet, GroupLasso, L2Start, SparseGroupLasso
from bridle.regularizers.updates import DecoupledDecay, MaxNorm

TINY = 1e-30
ROUNDS = 6

SERVED: tuple[type, ...] = (L1, L2, L2Start, ElasticNet, GroupLasso, SparseGroupLasso, DecoupledDecay, MaxNorm)
"""The penalties and update rules that have a formula here."""


@final
class GraphFormulas:
    """The recipe's penalties and update rules around one step of the optimizer, as Keras operations.

    Args:
        parts: The penalties and update rules with their weights; all of :data:`SERVED`.
        movement: The optimizer's metric; ``None`` where no penalty asks for one.
        starts: The starting points of anchored penalties, by penalty and weight, in torch's layout.
        steps: How many steps the training takes, for schedules.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        movement: Movement | None,
        starts: Mapping[str, Any],
        steps: int | None = None,
    ) -> None:
        self._parts, self._movement, self._starts, self._steps = Parts.of(parts), movement, starts, steps

    def before(self, gradients: list[Any], places: Mapping[int, int], rate: Any, step: Any) -> list[Any]:
        """Decay the weights, then add the gradients of the smooth penalties.

        Args:
            gradients: The clipped gradients.
            places: The place of each variable's gradient, by the variable's id; others are left alone.
            rate: The learning rate.
            step: Optimizer steps taken so far.
        """
        for item, weight in self._acting(self._parts.rules, places, step):
            if isinstance(item, DecoupledDecay):
                share = 1.0 - ops.cast(rate, weight.variable.dtype) * item.strength
                weight.variable.assign(weight.variable * share)
        for item, weight in self._acting(self._parts.smooth, places, step):
            place = places[id(weight.variable)]
            gradients[place] = ops.add(gradients[place], _gradient(item, self._seen(item, weight), weight))
        return gradients

    def after(self, places: Mapping[int, int], rate: Any, step: Any) -> None:
        """Take the proximal steps, then bound the norms."""
        for item, weight in self._acting(self._parts.exact, places, step):
            assert self._movement is not None  # noqa: S101 - whoever bound an exact part gave it
            moved = ops.cast(self._movement(weight.variable, rate), weight.variable.dtype)
            weight.variable.assign(_prox(item, weight, moved))
        for item, weight in self._acting(self._parts.rules[::-1], places, step):
            if isinstance(item, MaxNorm):
                values = ops.convert_to_tensor(weight.variable)
                length = _norms(values, _inside(weight, "neurons"))
                weight.variable.assign(values * ops.minimum(item.limit / ops.maximum(length, TINY), 1.0))

    def _acting(self, parts: Sequence[Part], places: Mapping[int, int], step: Any) -> Iterator[tuple[Any, Weight]]:
        """Each regularizer as it is at this step, with each of its weights that has a gradient."""
        now = progress(step, self._steps)
        for part in parts:
            for weight in part.trained(places):
                yield at(part.declared, now, weight.variable.dtype), weight

    def _seen(self, item: Any, weight: Weight) -> Any:
        values = ops.convert_to_tensor(weight.variable)
        start = self._starts.get(f"{item.key}/{weight.name}")
        if start is None:
            return values
        back = np.argsort(weight.permutation())
        return values - ops.convert_to_tensor(np.transpose(np.asarray(start), back), weight.variable.dtype)


def _gradient(item: Any, values: Any, weight: Weight) -> Any:
    match item:
        case L2() | L2Start():
            return item.strength * values
        case L1():
            return item.strength * ops.sign(values)
        case ElasticNet():
            return item.l1 * ops.sign(values) + item.l2 * values
        case GroupLasso():
            return _group_strength(item.strength, weight, item.groups) * _direction(values, weight, item.groups)
        case SparseGroupLasso():
            pull = _group_strength(item.group, weight, item.groups) * _direction(values, weight, item.groups)
            return item.l1 * ops.sign(values) + pull
    raise AssertionError(f"{item.key} has no formula; it is refused at the door.")


def _prox(item: Any, weight: Weight, moved: Any) -> Any:
    values = ops.convert_to_tensor(weight.variable)
    match item:
        case L1():
            return _soft(values, item.strength * moved)
        case ElasticNet():
            return _soft(values, item.l1 * moved) / (1.0 + item.l2 * moved)
        case GroupLasso():
            return _shrink_groups(values, moved, _group_strength(item.strength, weight, item.groups), weight, item)
        case SparseGroupLasso():
            softened = _soft(values, item.l1 * moved)
            return _shrink_groups(softened, moved, _group_strength(item.group, weight, item.groups), weight, item)
    raise AssertionError(f"{item.key} has no formula; it is refused at the door.")


def _soft(values: Any, threshold: Any) -> Any:
    return values - ops.minimum(ops.maximum(values, -threshold), threshold)


def _inside(weight: Weight, groups: str) -> tuple[int, ...]:
    """The axes, as Keras has them, along which the members of one group lie."""
    axes = weight.permutation()
    between = {"neurons": (0,), "inputs": (1,), "kernels": (0, 1)}[groups]
    return tuple(axes[dim] for dim in range(len(axes)) if dim not in between) if len(axes) > 1 else ()


def _group_strength(strength: Any, weight: Weight, groups: str) -> Any:
    return strength * math.prod(int(weight.variable.shape[axis]) for axis in _inside(weight, groups)) ** 0.5


def _norms(values: Any, axes: tuple[int, ...]) -> Any:
    return ops.sqrt(ops.sum(ops.square(values), axis=axes, keepdims=True)) if axes else ops.abs(values)


def _direction(values: Any, weight: Weight, groups: str) -> Any:
    return values / ops.maximum(_norms(values, _inside(weight, groups)), TINY)


def _shrink_groups(values: Any, moved: Any, strength: Any, weight: Weight, item: Any) -> Any:
    """Groups become zero as a whole, or shorter; with a step for each weight by Newton's method on the length.

    The mathematics is that of :func:`bridle.regularizers.penalties._base.shrink_groups`.
    """
    axes = _inside(weight, item.groups)
    if len(moved.shape) == 0:
        length = _norms(values, axes)
        return values * ops.maximum((length - strength * moved) / ops.maximum(length, TINY), 0.0)
    shifts = strength * moved
    if not axes:
        return _soft(values, shifts)
    shorter = _norms(values, axes) - ops.max(shifts, axis=axes, keepdims=True)
    alone = ops.max(ops.abs(values) - shifts, axis=axes, keepdims=True)
    length = ops.maximum(ops.maximum(shorter, alone), 0.0)
    for _ in range(ROUNDS):
        nearer = ops.maximum(length + shifts, TINY)
        squares = ops.square(values / nearer)
        total = ops.maximum(ops.sum(squares, axis=axes, keepdims=True), TINY)
        slope = ops.maximum(ops.sum(squares / nearer, axis=axes, keepdims=True), TINY)
        length = ops.maximum(length + (ops.sqrt(total) - 1.0) * total / slope, 0.0)
    empty = _norms(values / ops.maximum(moved, TINY), axes) <= strength
    shrunk = values * (length / ops.maximum(length + shifts, TINY))
    return ops.where(empty, ops.zeros_like(values), ops.where(shifts == 0, values, shrunk))
