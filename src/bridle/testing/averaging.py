"""Laws of averages of the weights."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bridle.core import Averaging, State
from bridle.testing import material
from bridle.testing.law import Unchanged, off, require, require_alike, require_close
from bridle.testing.members import check_stacked


def _weights(step: int, device: torch.device, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    shapes = {"layer.weight": (4, 3), "layer.bias": (4,)}
    return {
        name: material.normal(f"{name} {step}", *shape, device=device, dtype=dtype) for name, shape in shapes.items()
    }


def _course(averaging: Averaging, device: torch.device, steps: int) -> Iterator[tuple[State, dict[str, Tensor]]]:
    """State and weights after each of ``steps`` steps of random weights."""
    weights = _weights(0, device)
    state = averaging.start(weights)
    for step in range(1, steps + 1):
        weights = _weights(step, device)
        with Unchanged(*weights.values()):
            state = averaging.update(state, weights)
        yield state, weights


def average_is_like_the_weights(averaging: Averaging, device: torch.device) -> None:
    """State is a dict of tensors; the average is like the weights, and equals weights that do not change."""
    for dtype in (torch.float64, torch.float32):
        weights = _weights(0, device, dtype)
        state = averaging.start(weights)
        require(all(isinstance(value, Tensor) for value in state.values()), "state must be a dict of tensors")
        for current in (state, averaging.update(dict(state), weights)):
            average = averaging.average(current)
            require(set(average) == set(weights), f"the average must be of {set(weights)}; got {set(average)}")
            for name, weight in weights.items():
                require_alike(average[name], weight, f"the average of {name} must be like it")
                require_close(average[name], weight, "the average of weights that do not change", tolerance=1e-6)


def average_shares_no_memory(averaging: Averaging, device: torch.device) -> None:
    """Training on in place does not reach the average."""
    weights = _weights(0, device)
    state = averaging.update(averaging.start(weights), weights)
    average = averaging.average(state)
    with Unchanged(*average.values()):
        for weight in weights.values():
            weight.add_(1.0)


def average_lies_among_the_weights(averaging: Averaging, device: torch.device) -> None:
    """Every averaged entry lies between the lowest and the highest value that it has had."""
    seen = [_weights(0, device)]
    for state, weights in _course(averaging, device, 30):
        seen.append(weights)
        for name, average in averaging.average(state).items():
            values = torch.stack([past[name] for past in seen])
            inside = (average >= values.amin(0) - 1e-12) & (average <= values.amax(0) + 1e-12)
            require(bool(inside.all()), f"the average of {name} lies outside the values it has had")


def average_without_memory_is_the_last_weight(averaging: Averaging, device: torch.device) -> None:
    """With every dial that can be zero at zero the average is the weights after the last step."""
    nothing = off(averaging)
    if nothing is not None:
        for state, weights in _course(nothing, device, 3):
            for name, average in nothing.average(state).items():
                require_close(average, weights[name], "an average without memory must be the last weights")


def average_stacks(averaging: Averaging, device: torch.device) -> None:
    """The averages of members with unlike dials, stacked, are those of each alone."""

    def call(item: Averaging, factor: Tensor) -> list[Tensor]:
        course = [{name: weight * factor for name, weight in _weights(step, device).items()} for step in range(4)]
        state = item.start(course[0])
        for weights in course[1:]:
            state = item.update(state, weights)
        return list(item.average(state).values())

    check_stacked(call, averaging, device)


LAWS = (
    average_is_like_the_weights,
    average_shares_no_memory,
    average_lies_among_the_weights,
    average_without_memory_is_the_last_weight,
    average_stacks,
)
