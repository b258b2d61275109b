"""The kinds of regularizers, in the order in which they act in one training step.

Each kind is an abstract class with one essential method; a regularizer is a final class of one kind: a frozen record
of its dials plus pure methods, written for one model. What must be remembered is state: a dict of tensors that
``start`` returns and the other methods take and return; its owner keeps it.
"""

import copy
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import torch
from torch import Tensor

from bridle.core.batch import Batch
from bridle.core.dials import FREE, Schedule, check_dial, dials, words
from bridle.core.draws import Draws
from bridle.core.scope import Scope, check_scope
from bridle.errors import RecipeError
from bridle.records import Kind, Layout

State: TypeAlias = dict[str, Tensor]


@dataclass(frozen=True)
class Regularizer(ABC):  # noqa: B024 - each kind has its own essential method
    """Anything added to training to make the model generalise.

    Args:
        label: A name of the user's, to tell two of the same apart. By default the name in the catalogue.
        optional: Whether a search may leave it out.
    """

    label: str = dataclasses.field(default="", kw_only=True)
    optional: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Check every dial and setting at the door, so that the training step need not."""
        who = type(self).__name__
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name, bounds in dials(type(self)).items():
            value = getattr(self, name)
            if value is not None or defaults[name] is not None:
                object.__setattr__(self, name, check_dial(f"{who}.{name}", bounds, value))
        for name, allowed in words(type(self)).items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f"{who}.{name} must be one of {', '.join(allowed)}; got {getattr(self, name)!r}.")
        if "scope" in defaults:
            object.__setattr__(self, "scope", check_scope(f"{who}.scope", getattr(self, "scope")))  # noqa: B009
        if not isinstance(self.label, str) or not isinstance(self.optional, bool):
            raise RecipeError(
                f"{who} takes a text as label and true or false as optional; got {self.label!r} and {self.optional!r}."
            )

    @classmethod
    def name(cls) -> str:
        """The name in recipes, on the command line and in the catalogue: that of the source file."""
        return cls.__module__.rpartition(".")[2]

    @property
    def key(self) -> str:
        """The label, or the name where there is none: what keys its draws, its dials' addresses and its state."""
        return self.label or self.name()

    def free(self) -> dict[str, Any]:
        """The free dials by field name."""
        return {name: value for name in dials(type(self)) if isinstance(value := getattr(self, name), FREE)}

    @property
    def moves(self) -> dict[str, Schedule]:
        """The dials that follow a schedule, by field name."""
        values = {name: getattr(self, name) for name in dials(type(self))}
        return {name: value for name, value in values.items() if isinstance(value, Schedule)}

    def at(self, progress: float) -> Self:
        """This regularizer with every schedule replaced by its value at the share ``progress`` of the training."""
        moves = self.moves
        return self.bind({name: schedule.at(progress) for name, schedule in moves.items()}) if moves else self

    def bind(self, values: Mapping[str, Any]) -> Self:
        """A shallow copy with dials replaced, unchecked (the values may be tensors)."""
        bound = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(bound, name, value)
        return bound


class Augmentation(Regularizer):
    """Acts on the batch: gives the network another view of the same example.

    ``acts_on`` names the kinds of data it can act on; ``keeps_labels`` whether the targets stay as they are.
    """

    acts_on: ClassVar[frozenset[Kind]]
    keeps_labels: ClassVar[bool] = True

    def refuses(self, layout: Layout) -> str:
        """Why it cannot act on such data; empty where it can."""
        if layout.kind in self.acts_on:
            return ""
        return f"acts on {', '.join(sorted(self.acts_on))} data; this is {layout.kind} data"

    @abstractmethod
    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """The augmented batch; ``batch`` itself is not changed."""


class Noise(Regularizer):
    """Acts on activations at places of the forward pass, in training mode only."""

    scope: Scope

    def shape(self, activations: Sequence[int]) -> tuple[int, ...]:
        """The shape of the uniform numbers needed for activations of the given shape ``(B, ...)``."""
        return tuple(activations)

    @abstractmethod
    def apply(self, x: Tensor, uniforms: Tensor) -> Tensor:
        """The noisy activations, from uniform numbers in [0, 1) of :meth:`shape`."""


class TargetRule(Regularizer):
    """Acts on the targets of a classification."""

    @abstractmethod
    def apply(self, targets: Tensor) -> Tensor:
        """New targets ``(B, C)`` whose rows sum to 1."""


class Penalty(Regularizer):
    """Acts on the weights: ``strength * Omega(w)`` in the objective, applied by its gradient or by a proximal step.

    It never goes through the loss. A penalty receives all weights in its scope at once. A penalty that is not
    :class:`Proximal` is applied by :meth:`gradient`.

    ``takes_pair`` says that it takes exactly two weights with equally many columns: its value is one of the first, and
    a constraint ties the second to the first.
    """

    takes_pair: ClassVar[bool] = False
    scope: Scope

    def refuses(self, shapes: Sequence[Sequence[int]]) -> str:  # noqa: ARG002 - most take any
        """Why it cannot act on weights of these shapes; empty where it can."""
        return ""

    @abstractmethod
    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``strength * Omega(weights)``, a scalar."""

    @abstractmethod
    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """The gradient of :meth:`value`, one tensor per weight; at a kink the subgradient of least norm."""

    def add_gradient(self, weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
        """Add :meth:`gradient` to ``gradients`` in place; overridden where that is faster in one go."""
        torch._foreach_add_(list(gradients), self.gradient(weights))


class Proximal(Penalty):
    """A penalty with exact zeros: applied by a proximal step after the optimizer's step.

    ``one_step`` says that its proximal step takes one number for all weights of a tensor, not one for each.
    """

    one_step: ClassVar[bool] = False

    @abstractmethod
    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """``argmin_x value(x) + sum (x - w)^2 / (2 step)``, one tensor per weight.

        Args:
            weights: The weights after the optimizer's step.
            steps: Per weight the movement that the optimizer makes per unit of constant gradient: a number, or a
                tensor of the weight's shape.
        """

    def inside(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """The weights brought inside the penalty's constraint, not always to its nearest point; most have none."""
        return list(weights)


class Averaging(Regularizer):
    """Acts on the weights that are kept: evaluation sees the average, training goes on with the live weights."""

    @abstractmethod
    def start(self, weights: Mapping[str, Tensor]) -> State:
        """The state before the first step."""

    @abstractmethod
    def update(self, state: State, weights: Mapping[str, Tensor]) -> State:
        """The state after one optimizer step. The tensors of ``state`` are given up and may be reused."""

    @abstractmethod
    def average(self, state: State) -> dict[str, Tensor]:
        """The averaged weights, by the names given to :meth:`start`."""


class StopRule(Regularizer):
    """Decides when training ends."""

    @abstractmethod
    def start(self) -> State:
        """The state before the first epoch."""

    @abstractmethod
    def update(self, state: State, loss: Tensor) -> State:
        """The state after an epoch.

        Args:
            state: The state so far.
            loss: The watched score as a loss (lower is better), a scalar; NaN counts as no improvement.
        """

    @abstractmethod
    def should_stop(self, state: State) -> bool:
        """Whether training ends here."""

    @abstractmethod
    def is_best(self, state: State) -> bool:
        """Whether the epoch just seen is the best so far, so that its weights are to be kept."""
