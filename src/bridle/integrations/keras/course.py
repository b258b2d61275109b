"""What happens between the steps: averaged weights in evaluation, early stopping, the weights that are kept."""

from collections.abc import Mapping
from typing import Any, final

import keras
import numpy as np
import torch

from bridle.core import State, StopRule
from bridle.errors import RecipeError
from bridle.integrations.keras.average import Average
from bridle.integrations.keras.scope import array


@final
class Course(keras.callbacks.Callback):
    """The callback that every ``fit`` of a regularized model gets by itself.

    Args:
        average: The average of the weights, where the recipe has one.
        stop: The stop rule, where the recipe has one.
    """

    def __init__(self, average: Average | None, stop: StopRule | None) -> None:
        super().__init__()
        self._average, self._stop = average, stop
        self._state: State = stop.start() if stop else {}
        self._best: list[np.ndarray[Any, Any]] = []
        self.resumed = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Go on from the live weights; patience begins anew unless the training is resumed."""
        if self._average:
            self._average.resume()
        if self._stop and not self.resumed:
            self._state, self._best = self._stop.start(), []

    def on_test_begin(self, logs: Any = None) -> None:
        """Evaluate the averaged weights."""
        if self._average:
            self._average.swap_in()

    def on_test_end(self, logs: Any = None) -> None:
        """Train on with the live ones."""
        if self._average:
            self._average.swap_out()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Look at the validation loss, keep the best weights, stop where it is time."""
        if not self._stop:
            return
        if "val_loss" not in (logs or {}):
            raise RecipeError(
                "Early stopping watches the loss on validation data, and this epoch has none. Give "
                "model.fit(..., validation_data=...) in every epoch, or leave early_stopping out of the recipe."
            )
        self._state = self._stop.update(self._state, torch.tensor(float((logs or {})["val_loss"])))
        if self._stop.is_best(self._state):
            self._best = self._kept()
        if self._stop.should_stop(self._state):
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Leave the weights that are kept: the best ones, averaged where there is an average."""
        if self._average:
            self._average.swap_in()
        if self._best:
            self.model.set_weights(self._best)

    def _kept(self) -> list[np.ndarray[Any, Any]]:
        averages = self._average.values() if self._average else {}
        return [averages.get(id(weight), array(weight)) for weight in self.model.weights]

    def state(self) -> dict[str, np.ndarray[Any, Any]]:
        """The stop rule's state and the best weights so far."""
        kept = {f"best/{number}": value for number, value in enumerate(self._best)}
        return {f"stop/{name}": value.numpy() for name, value in self._state.items()} | kept

    def load(self, state: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take what :meth:`state` gave."""
        if self._stop:
            self._state = {name: torch.as_tensor(np.array(state[f"stop/{name}"])) for name in self._state}
        self._best = [np.array(state[name]) for name in state if name.startswith("best/")]
