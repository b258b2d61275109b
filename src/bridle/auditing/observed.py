"""What a check may look at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from bridle.records import Ledger


@dataclass
class Observed:
    """A training, as its owner holds it.

    Args:
        model: The model.
        optimizer: Its optimizer.
        step: One training step, without arguments or taking a batch.
        loader: Gives the training batches.
        val_loader: Gives the validation batches.
        ledger: What moved each parameter, or ``None`` where that was not measured.
    """

    model: nn.Module
    optimizer: Optimizer
    step: Callable[..., Any]
    loader: Iterable[Any] | None = None
    val_loader: Iterable[Any] | None = None
    ledger: Ledger | None = None
