"""What an update rule may use of an optimizer's step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from bridle.core.draws import Draws


@final
@dataclass(frozen=True, eq=False)
class Update:
    """One step of the optimizer on the weights of a rule.

    Args:
        names: The full name of each weight.
        rates: The learning rate of each weight.
        draws: The draws of this step.
        gradient_at: Recomputes the (clipped) data gradient at the present weights into ``.grad``: the same batch and
            draws, the batch-norm statistics as they are.
    """

    names: Sequence[str]
    rates: Sequence[float]
    draws: Draws
    gradient_at: Callable[[], None]
