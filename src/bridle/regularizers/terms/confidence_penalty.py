"""A penalty on predictions that are too sure."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from torch import Tensor

from bridle.core import Draws, Forward, LossTerm, Range


@final
@dataclass(frozen=True)
class ConfidencePenalty(LossTerm):
    """``strength * mean over examples of (log C - H(p))``, p = softmax(output) of C classes: keeps predictions unsure.

    It is the entropy bonus of the literature, moved by a constant so that it is zero for uniform predictions.

    Args:
        strength: Multiplies how much the entropy of an example's prediction falls short of log C, in nats, in [0, inf).

    Reference: Pereyra et al. 2017, "Regularizing neural networks by penalizing confident output distributions".
    """

    needs_classes: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-3, 1.0), log=True)]

    def refuses(self, seen: Forward) -> str:
        """An output that is not one row of logits per example."""
        if seen.output.ndim == 2 and seen.output.shape[1] > 1:
            return ""
        return f"takes logits of shape (B, C), C > 1; the network's output has shape {tuple(seen.output.shape)}"

    def per_example(self, seen: Forward, draws: Draws) -> Tensor:
        """``strength * (log C - H(softmax(output)))`` of each example."""
        logs = seen.output.log_softmax(1)
        return self.strength * (logs.exp() * (logs + math.log(logs.shape[1]))).sum(1).clamp(min=0.0)
