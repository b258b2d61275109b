"""What one instrumented run of a training step changes, and what it saw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(eq=False)
class Plan:
    """What one run does differently.

    Args:
        silent: The data loss gives no gradient: what flows into the outputs of modules is set to zero.
        halve: The outputs of the model are halved, so that what depends on the data changes.
        clips: Whether torch's clipping functions act.
        raw: Whether the gradients that the optimizer sees are those of the backward pass, with ``added``.
        passes: By weight, how often its gradient is accumulated; the last is where ``removed`` is taken out.
        removed: By weight, a gradient that is taken out of the accumulated one.
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
    removed: Mapping[Tensor, Tensor] = field(default_factory=dict)
    added: Mapping[Tensor, Tensor] = field(default_factory=dict)
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
    """What one run saw.

    Attributes:
        passes: By weight, how often its gradient was accumulated.
        changes: By weight, how often that changed it.
        accumulated: The gradients after the last backward pass, scaled where the loss was.
        unscaled: The same after unscaling; empty without a scaler.
        seen: The gradients that the step hands to the optimizer.
        final: The gradients that the optimizer steps along, with what hooks added.
        before: The weights when the optimizer's step was called.
        after: The weights right after it.
        outputs: What modules gave, in the order of their calls.
        losses: The value at each backward pass.
        roots: The constant factor in front of it.
        data_weights: The gradient at each of torch's loss functions, times the rows it sums over.
        calls: How often modules of the model were called with tensors.
        scale: The scaler's factor.
        clipped_scaled: Whether gradients changed between the backward pass and their unscaling.
        steps: How often the optimizer stepped.
    """

    passes: dict[Tensor, int] = field(default_factory=dict)
    changes: dict[Tensor, int] = field(default_factory=dict)
    accumulated: dict[Tensor, Tensor] = field(default_factory=dict)
    unscaled: dict[Tensor, Tensor] = field(default_factory=dict)
    seen: dict[Tensor, Tensor] = field(default_factory=dict)
    final: dict[Tensor, Tensor] = field(default_factory=dict)
    before: dict[Tensor, Tensor] = field(default_factory=dict)
    after: dict[Tensor, Tensor] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    roots: list[float] = field(default_factory=list)
    data_weights: list[Tensor] = field(default_factory=list)
    calls: int = 0
    scale: float = 1.0
    clipped_scaled: bool = False
    steps: int = 0

    def raw(self, weight: Tensor) -> Tensor | None:
        """The gradient of the backward passes, unscaled."""
        return self.unscaled.get(weight, self.accumulated.get(weight))


def dense(gradient: Tensor) -> Tensor:
    """A copy of a gradient, without its sparse form."""
    gradient = gradient.detach()
    return gradient.to_dense() if gradient.is_sparse else gradient.clone(memory_format=torch.preserve_format)
