"""A trained network with the preprocessing that belongs to it."""

from collections.abc import Mapping
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridle.data.dataset import Dataset
from bridle.data.preprocess import Preprocessing
from bridle.engine.evaluate import outputs, predictions
from bridle.engine.examples import Examples
from bridle.engine.member import MemberTraining
from bridle.engine.outcomes import kept_weights
from bridle.engine.setting import Setting
from bridle.population import Member


@final
class Trained:
    """A network that predicts from rows of a data set with the same layout.

    Args:
        model: The network, with its trained weights.
        preprocessing: Fitted on its training rows.
        device: Where it predicts.
    """

    def __init__(self, model: nn.Module, preprocessing: Preprocessing, device: torch.device) -> None:
        self.model, self.preprocessing, self.device = model.eval(), preprocessing, device

    def predict(self, dataset: Dataset, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Probabilities ``(B, C)``, or numbers ``(B,)`` in the target's unit, in the order of ``rows``."""
        rows = np.arange(len(dataset), dtype=np.int64) if rows is None else rows
        examples = Examples(dataset, self.preprocessing, self.device)
        output = outputs(self.model, examples, rows, lambda: torch.autocast(self.device.type, enabled=False))
        return predictions(dataset.layout.task, examples, output)


def trained(member: Member, setting: Setting) -> Trained:
    """The network of a finished member whose weights were kept."""
    training = MemberTraining(member, setting)
    training.step.terms.remove()
    load_weights(training.model, kept_weights(member, setting))
    return Trained(training.model, training.examples.preprocessing, setting.device)


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights and buffers into a network of the same shape."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            value.copy_(weights[name])
