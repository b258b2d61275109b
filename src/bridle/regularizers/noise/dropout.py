"""Dropout."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from torch import Tensor

from bridle.core import Noise, Range, Scope
from bridle.errors import DialError


@final
@dataclass(frozen=True)
class Dropout(Noise):
    """``x * (u >= rate) / (1 - rate)``: sets each activation to zero with probability ``rate`` and scales up the rest.

    Exactly one of ``rate`` and ``k`` must be given.

    Args:
        rate: The probability that an activation is dropped, in [0, 1).
        k: The rate as a logit, ``rate = 1 / (1 + e^-k)``, in [-10, 10].
        scope: The places where it acts, by default all; ``{"names": "head.*"}`` for some.

    Raises:
        DialError: If both of ``rate`` and ``k`` are given, or none.

    Reference: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """

    rate: Annotated[float | None, Range(0.0, 1.0, open_high=True, search=(0.0, 0.6))] = None
    k: Annotated[float | None, Range(-10.0, 10.0, search=(-4.0, 0.5))] = None
    scope: Scope = "all"
    separable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the dials, and that exactly one of the two is given."""
        super().__post_init__()
        if (self.rate is None) == (self.k is None):
            raise DialError(
                "Dropout takes exactly one of rate, in [0, 1), and k, the rate as a logit in [-10, 10]; "
                f"got rate={self.rate!r} and k={self.k!r}."
            )

    def share(self) -> float | Tensor:
        """The probability that an activation is dropped, from whichever of ``rate`` and ``k`` is given."""
        if self.rate is not None:
            return self.rate
        assert self.k is not None  # noqa: S101 - the constructor saw to it
        share: float | Tensor = 1 / (1 + math.e**-self.k)
        return share

    def apply(self, x: Tensor, uniforms: Tensor) -> Tensor:
        """``x * (u >= rate) / (1 - rate)``."""
        rate = self.share()
        return x * (uniforms >= rate).to(x.dtype).mul_(1 / (1 - rate))
