"""What a loss term sees of a forward pass."""

from dataclasses import dataclass
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True, eq=False)
class Forward:
    """One forward pass in training mode, at least in float32 and still part of the graph.

    Args:
        inputs: ``(B, ...)`` what the network was given.
        output: ``(B, ...)`` what it gave.
        activations: ``(B, ...)`` each, in the order in which they arose: the activations at a term's scope, before any
            noise there. Empty for a term that needs none.
    """

    inputs: Tensor
    output: Tensor
    activations: tuple[Tensor, ...] = ()
