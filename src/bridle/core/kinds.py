"""The kinds of regularizers, in the order in which they act in one training step.

Each kind is an abstract class with one essential method; a regularizer is a final class of one kind: a frozen record
of its dials plus pure methods, written for one model. What must be remembered is state: a dict of tensors that
``start`` returns and the other methods take and return; its owner keeps it.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch
from torch import Tensor

from bridle.core.batch import Batch
from bridle.core.draws import Draws
from bridle.core.forward import Forward
from bridle.core.regularizer import Regularizer
from bridle.core.scope import Scope
from bridle.core.update import Update
from bridle.errors import RecipeError
from bridle.records import Kind, Layout

State: TypeAlias = dict[str, Tensor]


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
    """Acts on activations at places of the forward pass, in training mode only.

    ``separable`` says that it treats each activation by itself, whatever the others are.
    """

    scope: Scope
    separable: ClassVar[bool] = False

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


class LossTerm(Regularizer):
    """Acts on the training loss: the mean over examples of a value per example, weighted as the data loss is.

    ``needs_activations`` says that it looks at activations: it has a scope then, which names modules or, as
    ``"all"``, the places. ``needs_input_gradient`` says that the inputs must require a gradient, ``needs_classes``
    that the output must be logits ``(B, C)``.
    """

    needs_activations: ClassVar[bool] = False
    needs_input_gradient: ClassVar[bool] = False
    needs_classes: ClassVar[bool] = False
    scope: Scope

    def refuses(self, seen: Forward) -> str:  # noqa: ARG002 - most can act on any
        """Why it cannot act on such a forward pass; empty where it can. Asked once, at the first."""
        return ""

    @abstractmethod
    def per_example(self, seen: Forward, draws: Draws) -> Tensor:
        """``strength`` times the value of each example, ``(B,)``, differentiable in the weights."""


class Penalty(Regularizer):
    """Acts on the weights: ``strength * Omega(w)`` in the objective, applied by its gradient or by a proximal step.

    It never goes through the loss. A penalty receives all weights in its scope at once. A penalty that is not
    :class:`Proximal` is applied by :meth:`gradient`.

    ``separable`` says that it treats each number by itself, whatever the others are. ``takes_pair`` says that it takes
    exactly two weights with equally many columns: its value is one of the first, and a constraint ties the second to
    the first.
    """

    by_layer: ClassVar[bool] = True
    separable: ClassVar[bool] = False
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


class Anchored(Penalty):
    """A penalty on how far the weights are from where they started, not on the weights themselves.

    Its owner keeps the starting point, and hands over the differences in place of the weights. ``checkpoint`` is a
    safetensors file that holds another starting point than the weights as they were; empty for those.
    """

    checkpoint: str


@dataclass(frozen=True)
class Proximal(Penalty):
    """A penalty with exact zeros: applied by a proximal step after the optimizer's step.

    ``one_step`` says that its proximal step takes one number for all weights of a tensor, not one for each.

    Args:
        gradient_only: Apply it by its gradient instead, under any optimizer. It then makes no exact zeros.
    """

    one_step: ClassVar[bool] = False
    gradient_only: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Check the setting of the kind, too."""
        super().__post_init__()
        if not isinstance(self.gradient_only, bool):
            raise RecipeError(f"{type(self).__name__}.gradient_only must be true or false; got {self.gradient_only!r}.")

    @abstractmethod
    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """``argmin_x value(x) + sum (x - w)^2 / (2 step)``, one tensor per weight.

        Args:
            weights: The weights after the optimizer's step.
            steps: Per weight the movement that the optimizer makes per unit of constant gradient: a number, or a
                tensor of the weight's shape.
        """

    def shrink(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> None:
        """Replace the weights by :meth:`prox` in place; overridden where that takes fewer passes over them."""
        torch._foreach_copy_(list(weights), self.prox(weights, steps))

    def strength_max(self, gradients: Sequence[Tensor]) -> float | None:  # noqa: ARG002 - some have no closed form
        """The smallest value of its first dial at which all weights in scope stay zero; ``None``: no closed form.

        Args:
            gradients: The gradient of the data loss where all weights in scope are zero, one tensor per weight.
        """
        return None

    def inside(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """The weights brought inside the penalty's constraint, not always to its nearest point; most have none."""
        return list(weights)


class UpdateRule(Regularizer):
    """Acts on the optimizer's step: changes gradients or weights before it, and weights after it.

    ``recomputes`` says that it calls ``update.gradient_at``, ``changes_metric`` that the step it leaves is no longer
    the optimizer's own, so that no proximal step is exact beside it, ``constrains`` that it keeps weights within a
    bound, which a step without it would leave, ``decays`` that it shrinks weights as ``weight_decay`` does.
    """

    by_layer: ClassVar[bool] = True
    recomputes: ClassVar[bool] = False
    changes_metric: ClassVar[bool] = False
    constrains: ClassVar[bool] = False
    decays: ClassVar[bool] = False
    scope: Scope

    @abstractmethod
    def around(self, weights: Sequence[Tensor], update: Update) -> Iterator[None]:
        """Yields exactly once, where the optimizer steps; runs without gradient tracking.

        Args:
            weights: The weights in its scope that have a gradient, changed in place. At the start ``.grad`` is the
                clipped data gradient; the gradients of penalties are added where it yields.
            update: What it may use of the step.
        """


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
