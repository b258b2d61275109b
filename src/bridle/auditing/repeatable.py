"""What a measurement asks of a training step."""

from typing import Any, Protocol

from torch import Tensor
from torch.optim import Optimizer

from bridle.auditing.trace import Plan, Trace
from bridle.engine.handle import Handle


class Repeatable(Protocol):
    """A step that can be taken again and again under plans; who measures puts everything back in between.

    Attributes:
        optimizer: The optimizer whose step it is.
        weights: The parameters to look at.
        scalers: The gradient scalers in use.
        handle: What ``bridle.attach`` gave for the optimizer, None where nothing is attached.
        runs: How often it was run.
        recomputes: Whether a run computes the loss again, so that it tells of penalties at other weights.
    """

    optimizer: Optimizer
    weights: list[Tensor]
    scalers: list[Any]
    handle: Handle | None
    runs: int
    recomputes: bool

    def run(self, plan: Plan) -> Trace:
        """One run of the step, and what it shows."""
