"""Label smoothing."""

from dataclasses import dataclass
from typing import Annotated, final

from torch import Tensor

from bridle.core import Range, TargetRule


@final
@dataclass(frozen=True)
class LabelSmoothing(TargetRule):
    """``(1 - rate) * y + rate / C``: moves a share of each target's weight to all ``C`` classes alike.

    Args:
        rate: The share that is spread over all classes, in [0, 1).

    Reference: Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", section 7.
    """

    rate: Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.0, 0.3))]

    def apply(self, targets: Tensor) -> Tensor:
        """``(1 - rate) * y + rate / C``."""
        return targets * (1 - self.rate) + self.rate / targets.shape[-1]
