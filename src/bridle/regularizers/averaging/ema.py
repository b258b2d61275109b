"""Exponential moving average of the weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, final

import torch
from torch import Tensor

from bridle.core import Averaging, Range, State

_PREFIX = "average."


@final
@dataclass(frozen=True)
class EMA(Averaging):
    """``average = d * average + (1 - d) * weights`` after each step: what is kept is smoother than the last step.

    ``d = min(decay, (1 + t) / (10 + t))`` at step ``t`` counted from 1, so that early weights are soon forgotten.

    Args:
        decay: How much of the average stays in each step, in [0, 1). It looks back about ``1 / (1 - decay)`` steps.

    Reference: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging"; the warm-up is that of
    TensorFlow's ``ExponentialMovingAverage``.
    """

    decay: Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.9, 0.9995))]

    def start(self, weights: Mapping[str, Tensor]) -> State:
        """The weights themselves, and a count of steps."""
        copies = {f"{_PREFIX}{name}": weight.detach().clone() for name, weight in weights.items()}
        device = next(iter(weights.values())).device
        return {**copies, "steps": torch.zeros((), dtype=torch.int64, device=device)}

    def update(self, state: State, weights: Mapping[str, Tensor]) -> State:
        """Moves the averages towards the weights."""
        steps = state["steps"] + 1
        share = 1 - ((1 + steps.double()) / (10 + steps)).clamp(max=self.decay)
        averages = {key: state[key] for name in weights if (key := f"{_PREFIX}{name}")}
        # Not in place: stacked members have no rule for lerp_.
        moved = {
            key: torch.lerp(average, weight.detach(), share.to(average.dtype))
            for (key, average), weight in zip(averages.items(), weights.values(), strict=True)
        }
        return {**moved, "steps": steps}

    def average(self, state: State) -> dict[str, Tensor]:
        """The averages by the weights' own names."""
        return {key.removeprefix(_PREFIX): value for key, value in state.items() if key.startswith(_PREFIX)}
