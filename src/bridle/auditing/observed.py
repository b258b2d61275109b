"""What the audit has in hand when its checks look."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from bridle.auditing.own_run import OwnRun
from bridle.auditing.witnessed import Witnessed
from bridle.records import Ledger


@dataclass
class Observed:
    """One training as it lies before the checks.

    Args:
        model: The model in training.
        optimizer: The optimizer that updates it.
        step: One training step of the user's, without arguments or taking a batch; None in a traced script.
        loader: Batches of training rows, None where there are none at hand.
        val_loader: Batches of validation rows, None where there are none at hand.
        ledger: The movement of each parameter by cause, None when not measured.
        witnessed: The calls that one step made, None until a check asks for them.
        run: What is known of a training of Bridle's own, None for any other.
    """

    model: nn.Module
    optimizer: Optimizer
    step: Callable[..., object] | None
    loader: Iterable[Any] | None = None
    val_loader: Iterable[Any] | None = None
    ledger: Ledger | None = None
    witnessed: Witnessed | None = None
    run: OwnRun | None = None
