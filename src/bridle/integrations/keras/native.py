"""Penalties and update rules under Keras's torch backend: their own code, on views of the variables in torch's layout.

What the views are changed by in place changes the variables. So each formula stands in one place, and a kernel that
Keras keeps as (inputs, neurons) is seen as torch keeps it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor

from bridle.core import Anchored, Draws, Update
from bridle.integrations.keras.metric import Movement
from bridle.integrations.keras.moving import progress
from bridle.integrations.keras.parts import Part, Parts
from bridle.integrations.keras.scope import Weight


@final
class NativeFormulas:
    """The recipe's penalties and update rules around one step of the optimizer, on torch tensors.

    Args:
        parts: The penalties and update rules with their weights.
        movement: The optimizer's metric; ``None`` where no penalty asks for one.
        starts: The starting points of anchored penalties, by penalty and weight, in torch's layout.
        seed: Of the draws of update rules.
        steps: How many steps the training takes, for schedules.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        movement: Movement | None,
        starts: Mapping[str, Tensor],
        seed: int,
        steps: int | None,
    ) -> None:
        self._parts, self._movement, self._starts = Parts.of(parts), movement, starts
        self._seed, self._steps = seed, steps
        self._running: list[Iterator[None]] = []

    @torch.no_grad()
    def before(self, gradients: list[Any], places: Mapping[int, int], rate: Any, step: Any) -> list[Any]:
        """Start the rules, then add the gradients of the smooth penalties, in place.

        Args:
            gradients: The clipped gradients.
            places: The place of each variable's gradient, by the variable's id; others are left alone.
            rate: The learning rate.
            step: Optimizer steps taken so far.
        """
        self._running = []
        now = progress(step, self._steps)
        for part in self._parts.rules:
            trained = part.trained(places)
            views = [_view(weight) for weight in trained]
            for weight, view in zip(trained, views, strict=True):
                view.grad = gradients[places[id(weight.variable)]].permute(weight.permutation())
            if views:
                update = Update(
                    [w.name for w in trained], [float(rate)] * len(views), Draws(self._seed, 0, int(step)), _never
                )
                running = part.declared.at(now).around(views, update)
                next(running)
                self._running.append(running)
        for part in self._parts.smooth:
            trained = part.trained(places)
            slopes = [gradients[places[id(w.variable)]].permute(w.permutation()) for w in trained]
            if trained:
                seen = [self._seen(part, weight) for weight in trained]
                part.declared.at(now).add_gradient(seen, slopes)
        return gradients

    @torch.no_grad()
    def after(self, places: Mapping[int, int], rate: Any, step: Any) -> None:
        """Take the proximal steps, then finish the rules in the reverse order."""
        for part in self._parts.exact:
            trained = part.trained(places)
            if trained:
                lengths = [self._step(weight, rate) for weight in trained]
                now = part.declared.at(progress(step, self._steps))
                now.shrink([_view(weight) for weight in trained], lengths)
        while self._running:
            if next(self._running.pop(), self) is not self:
                raise AssertionError("An update rule must yield exactly once.")

    def _seen(self, part: Part, weight: Weight) -> Tensor:
        view = _view(weight)
        return view - self._starts[f"{part.declared.key}/{weight.name}"] if _is_anchored(part) else view

    def _step(self, weight: Weight, rate: Any) -> Tensor | float:
        assert self._movement is not None  # noqa: S101 - whoever bound an exact part gave it
        moved = self._movement(weight.variable, rate)
        alike = isinstance(moved, Tensor) and moved.ndim == len(weight.permutation()) > 0
        return moved.permute(weight.permutation()) if alike else float(moved)


def _view(weight: Weight) -> Tensor:
    seen: Tensor = weight.variable.value.detach().permute(weight.permutation())
    return seen


def _is_anchored(part: Part) -> bool:
    return isinstance(part.declared, Anchored)


def _never() -> None:
    raise AssertionError("Rules that take the gradient anew are refused at the door.")
