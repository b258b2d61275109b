"""The moving average of the weights, kept beside the live ones in Keras variables of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import keras
import numpy as np
from keras import ops

from bridle.integrations.keras.scope import Weight, array
from bridle.regularizers.averaging import EMA


@final
class Average:
    """``average <- d average + (1 - d) weights`` after each step, ``d = min(decay, (1 + t) / (10 + t))``.

    Args:
        declared: The average of the recipe.
        weights: The model's trainable weights.
        sparse: The names of those whose exact zeros the average takes over.
    """

    def __init__(self, declared: EMA, weights: Sequence[Weight], sparse: frozenset[str]) -> None:
        self._declared, self._weights, self._sparse = declared, list(weights), sparse
        self._means = [
            keras.Variable(array(weight.variable), trainable=False, dtype=weight.variable.dtype, name="average")
            for weight in self._weights
        ]
        self._count = keras.Variable(np.zeros((), "float32"), trainable=False, dtype="float32", name="averaged_steps")
        self._live: list[np.ndarray[Any, Any]] = []

    def update(self) -> None:
        """Move the averages towards the weights, right after a step."""
        self._count.assign(self._count + 1.0)
        count = ops.convert_to_tensor(self._count)
        share = 1.0 - ops.minimum((1.0 + count) / (10.0 + count), self._declared.decay)
        for mean, weight in zip(self._means, self._weights, strict=True):
            mean.assign(mean + (weight.variable - mean) * ops.cast(share, mean.dtype))

    def values(self) -> dict[int, np.ndarray[Any, Any]]:
        """The averaged weights by the variables' ids, with the zeros of the live ones where a penalty makes zeros."""
        found = {}
        for mean, weight in zip(self._means, self._weights, strict=True):
            live, kept = array(weight.variable), array(mean)
            found[id(weight.variable)] = np.where(live == 0, live, kept) if weight.name in self._sparse else kept
        return found

    @property
    def started(self) -> bool:
        """Whether any step was averaged."""
        return float(self._count) > 0

    def swap_in(self) -> None:
        """Put the averages in the model's place, and keep the live weights aside."""
        if self.started and not self._live:
            averages = self.values()
            self._live = [array(weight.variable) for weight in self._weights]
            for weight in self._weights:
                weight.variable.assign(averages[id(weight.variable)])

    def swap_out(self) -> None:
        """Put the live weights back."""
        for weight, live in zip(self._weights, self._live, strict=False):
            weight.variable.assign(live)
        self._live = []

    def resume(self) -> None:
        """Go on from the live weights if the model still holds what a finished training left; else begin anew."""
        if not self._live:
            return
        left, live = [array(weight.variable) for weight in self._weights], self._live
        self.swap_out()
        if not all(np.array_equal(now, kept) for now, kept in zip(left, self._left(live), strict=True)):
            for weight, mean, values in zip(self._weights, self._means, left, strict=True):
                weight.variable.assign(values)
                mean.assign(values)
            self._count.assign(0.0)

    def _left(self, live: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        kept = [array(mean) for mean in self._means]
        return [
            np.where(now == 0, now, mean) if weight.name in self._sparse else mean
            for weight, now, mean in zip(self._weights, live, kept, strict=True)
        ]

    def state(self) -> dict[str, np.ndarray[Any, Any]]:
        """The averages by weight and the number of steps; after a training the live weights that it left aside too."""
        aside = {f"live/{w.name}": live for w, live in zip(self._weights, self._live, strict=False)}
        means = {f"average/{w.name}": array(mean) for w, mean in zip(self._weights, self._means, strict=True)}
        return {**means, **aside, "averaged_steps": array(self._count)}

    def load(self, state: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take what :meth:`state` gave."""
        for weight, mean in zip(self._weights, self._means, strict=True):
            mean.assign(np.array(state[f"average/{weight.name}"]))
        self._count.assign(np.array(state["averaged_steps"]))
        aside = [state.get(f"live/{weight.name}") for weight in self._weights]
        self._live = [np.array(live) for live in aside if live is not None]
