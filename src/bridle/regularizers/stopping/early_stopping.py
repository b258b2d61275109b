"""Early stopping."""

from dataclasses import dataclass
from typing import Annotated, final

import torch
from torch import Tensor

from bridle.core import Range, State, StopRule


@final
@dataclass(frozen=True)
class EarlyStopping(StopRule):
    """Stops after ``patience`` epochs in a row without a new lowest loss on the watched rows; keeps the best weights.

    An epoch whose loss is NaN is one without improvement.

    Args:
        patience: How many epochs without improvement end the training, in epochs, at least 1.

    Reference: Prechelt 1998, "Early stopping - but when?".
    """

    patience: Annotated[int, Range(1, integer=True, search=(3, 20), log=True, unit="epochs")]

    def start(self) -> State:
        """No loss seen yet."""
        return {
            "best": torch.tensor(torch.inf, dtype=torch.float64),
            "since": torch.tensor(0),
            "improved": torch.tensor(False),
        }

    def update(self, state: State, loss: Tensor) -> State:
        """Counts the epochs since the lowest loss."""
        loss = loss.detach().to(state["best"])
        improved = loss < state["best"]
        return {
            "best": torch.where(improved, loss, state["best"]),
            "since": torch.where(improved, 0, state["since"] + 1),
            "improved": improved,
        }

    def should_stop(self, state: State) -> bool:
        """Whether the lowest loss is ``patience`` epochs old."""
        return bool(state["since"] >= self.patience)

    def is_best(self, state: State) -> bool:
        """Whether the epoch just seen has the lowest loss so far."""
        return bool(state["improved"])
