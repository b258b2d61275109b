"""What all members of a job share."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import torch

from bridle.data.dataset import Dataset
from bridle.engine.losses import Loss
from bridle.engine.prepared import Prepared
from bridle.metrics.metric import Metric

CPU = torch.device("cpu")


@final
@dataclass(frozen=True, eq=False)
class Setting:
    """The data, the model, the loss and the metric of a job.

    Args:
        dataset: All rows.
        metric: The metric of the clean scores.
        model: ``None`` for the default of the data's kind, ``"pkg.mod:name"``, a factory or an instance.
        loss: ``None`` for the default of the task, or the user's function of (output, target).
        folder: Where checkpoints and finished members go, or ``None`` to keep nothing.
        device: Where the members train.
        dtype: The type of inputs and weights, ``None`` for float32 and the network's own.
        compiled: Whether packs compile their gradients.
    """

    dataset: Dataset
    metric: Metric
    model: Any = None
    loss: Loss | None = None
    folder: Path | None = None
    device: torch.device = CPU
    dtype: torch.dtype | None = None
    compiled: bool = False

    @cached_property
    def verdicts(self) -> dict[Any, Any]:
        """How members of each kind train, as far as that was found out in this process."""
        return {}

    @cached_property
    def graphs(self) -> dict[Any, Any]:
        """The graphs that were compiled in this process, by what they were compiled for."""
        return {}

    @cached_property
    def prepared(self) -> Prepared:
        """The prepared examples of each fold."""
        return Prepared(self.dataset, self.device, self.dtype)
