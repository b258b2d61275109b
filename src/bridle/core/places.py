"""Places: the points of the forward pass where noise may act."""

from collections.abc import Callable
from typing import TypeAlias, final

from torch import Tensor, nn

Perturb: TypeAlias = Callable[[Tensor, str], Tensor]


@final
class Place(nn.Module):
    """The identity, until a training puts noise here.

    Write ``bridle.Place()`` in a network where dropout would stand: each noise of the recipe whose scope covers it
    acts there, in training mode only. A dropout module of the network counts as a place too (it is replaced by one).

    Args:
        rate: The dropout rate of the module that this place replaced, used where the recipe has no noise for this
            place.
    """

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        self.rate = rate
        self.name = ""
        self.perturb: Perturb | None = None

    @property
    def p(self) -> float:
        """The rate, for a network that reads that of its dropout module to pass it to a function (attention does)."""
        return self.rate

    def forward(self, x: Tensor) -> Tensor:
        """``x``, with the training's noise in training mode."""
        if self.training and self.perturb is not None:
            return self.perturb(x, self.name)
        return x

    def extra_repr(self) -> str:
        """The rate that was declared in the network, where there was one."""
        return f"rate={self.rate}" if self.rate else ""
