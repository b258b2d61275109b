"""What one instrumented run of a training step changes, and what it saw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bridle.auditing.fits import Fit


class Term(NamedTuple):
    """A part of a gradient.

    Args:
        value: What it is at the first evaluation.
        fit: The penalty that it is of, which gives it at other weights; ``None`` where that is not known.
    """

    value: Tensor
    fit: Fit | None = None

    def at(self, weight: Tensor, evaluation: int) -> Tensor | None:
        """The part at the present weights, ``None`` where it is not known."""
        if evaluation == 0:
            return self.value
        return None if self.fit is None else self.fit.gradient(weight.detach())


@dataclass(eq=False)
class Plan:
    """What one run does differently.

    Args:
        silent: The data loss gives no gradient: what flows into the outputs of modules is set to zero.
        halve: The outputs of the model are halved, so that what depends on the data changes.
        clips: Whether torch's clipping functions act.
        raw: Whether the gradients that the optimizer sees are those of the backward pass, with ``added``.
        passes: By weight, how often an evaluation accumulates its gradient; in the last ``removed`` is taken out.
        removed: By weight, what is taken out of the accumulated gradient.
        added: By weight, what the step itself adds to the gradients after the backward pass.
        stripped: Whether ``added`` is taken out before the optimizer's step.
        pull: By weight, a strength of L2 whose gradient is added right before the optimizer's step.
        left_out: The part that Bridle's own handle leaves out, if any.
        no_decay: Whether the optimizer's weight_decay is 0.
        record: ``""``, ``"outputs"`` of the outermost modules or those of ``"all"`` modules.
        replay: The outputs that modules give in place of their own, as ``record`` gave them.
        watch: Whether gradients are kept; not needed where only the end of the run matters.
        scale: What the gradient scaler's factor is multiplied by.
    """

    silent: bool = False
    halve: bool = False
    clips: bool = True
    raw: bool = False
    passes: Mapping[Tensor, int] = field(default_factory=dict)
    removed: Mapping[Tensor, Term] = field(default_factory=dict)
    added: Mapping[Tensor, Term] = field(default_factory=dict)
    stripped: bool = False
    pull: Mapping[Tensor, float] = field(default_factory=dict)
    left_out: str = ""
    no_decay: bool = False
    record: str = ""
    replay: tuple[str, list[Any]] | None = None
    watch: bool = False
    scale: float = 1.0


@dataclass(eq=False)
class Trace:
    """What one run saw. Gradients and losses are those of the first evaluation: later ones are at other weights.

    Attributes:
        passes: By weight, how often its gradient was accumulated.
        changes: By weight, how often that changed it.
        accumulated: The gradients after the last backward pass, scaled where the loss was.
        unscaled: The same after unscaling; empty without a scaler.
        exchanged: The same as the optimizer would get them without clipping, where the step changes them by other
            means: after the exchange between processes, or a division of its own.
        seen: The gradients that the step hands to the optimizer.
        final: The gradients that the optimizer steps along, with what hooks added.
        before: The weights when the optimizer's step was called.
        after: The weights right after its last step.
        drift: By weight, what the step's own code did to it between two steps of the optimizer.
        outputs: What modules gave, in the order of their calls.
        losses: The value at each backward pass.
        roots: The constant factor in front of it.
        second_order: Whether a gradient was taken with a graph of its own: the loss may have it in it.
        data_weights: The gradient at each of torch's loss functions, times the rows it sums over.
        calls: How often modules of the model were called with tensors.
        scale: The scaler's factor.
        unscaled_penalty: Whether a penalty went backward without that factor, where this run could see it.
        clipped_scaled: Whether gradients changed between the backward pass and their unscaling.
        evaluations: How often the optimizer was handed gradients: once a step, or once a call of its closure.
        steps: How often the optimizer stepped.
        current: By weight, how often its gradient was accumulated in the present evaluation.
        versions: By weight, the version of its gradient after that.
    """

    passes: dict[Tensor, int] = field(default_factory=dict)
    changes: dict[Tensor, int] = field(default_factory=dict)
    accumulated: dict[Tensor, Tensor] = field(default_factory=dict)
    unscaled: dict[Tensor, Tensor] = field(default_factory=dict)
    exchanged: dict[Tensor, Tensor] = field(default_factory=dict)
    seen: dict[Tensor, Tensor] = field(default_factory=dict)
    final: dict[Tensor, Tensor] = field(default_factory=dict)
    before: dict[Tensor, Tensor] = field(default_factory=dict)
    after: dict[Tensor, Tensor] = field(default_factory=dict)
    drift: dict[Tensor, Tensor] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    roots: list[float] = field(default_factory=list)
    second_order: bool = False
    data_weights: list[Tensor] = field(default_factory=list)
    calls: int = 0
    scale: float = 1.0
    unscaled_penalty: bool = False
    clipped_scaled: bool = False
    evaluations: int = 0
    steps: int = 0
    current: dict[Tensor, int] = field(default_factory=dict)
    versions: dict[Tensor, int] = field(default_factory=dict)

    def raw(self, weight: Tensor) -> Tensor | None:
        """The gradient of the backward passes, unscaled, in the units in which the optimizer gets it."""
        held = (self.exchanged, self.unscaled, self.accumulated)
        return next((gradients[weight] for gradients in held if weight in gradients), None)

    def forget(self) -> None:
        """Start the present evaluation anew: the step threw its gradients away."""
        self.current.clear()
        self.versions.clear()
        if not self.evaluations:
            for held in (self.passes, self.changes, self.accumulated, self.losses, self.roots, self.data_weights):
                held.clear()


def dense(gradient: Tensor) -> Tensor:
    """A copy of a gradient, without its sparse form."""
    gradient = gradient.detach()
    return gradient.to_dense() if gradient.is_sparse else gradient.clone(memory_format=torch.preserve_format)


def in_form_of(gradient: Tensor, value: Tensor) -> Tensor:
    """``value`` with the sparse rows of ``gradient``, where it has that form: some optimizers take no other."""
    return value.sparse_mask(gradient.detach().coalesce()) if gradient.is_sparse else value
