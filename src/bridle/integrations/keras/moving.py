"""How far a Keras training is, and the dials that move with it: numbers under torch, tensors in a compiled step."""

import math
from typing import Any

import keras
from keras import ops

from bridle.core import Regularizer
from bridle.core.dials import Schedule


def progress(taken: Any, steps: int | None) -> Any:
    """The share of the training that is done, in [0, 1]; 0 where its length is not known.

    Args:
        taken: The optimizer's count of its steps, ``optimizer.iterations``.
        steps: How many the training takes.
    """
    if not steps:
        return 0.0
    if keras.backend.backend() == "torch":
        return min(int(taken) / steps, 1.0)
    return ops.minimum(ops.cast(taken, "float32") / steps, 1.0)


def at(item: Any, now: Any, dtype: str = "float32") -> Any:
    """A regularizer with its schedules' values at a share ``now`` of the training, in tensors where that is one.

    Args:
        item: The regularizer.
        now: What :func:`progress` gives.
        dtype: Of the tensors.
    """
    assert isinstance(item, Regularizer)  # noqa: S101 - nothing else is bound
    if isinstance(now, float):
        return item.at(now)
    return item.bind({name: ops.cast(_value(moves, now), dtype) for name, moves in item.moves.items()})


def _value(moves: Schedule, now: Any) -> Any:
    """:meth:`bridle.core.dials.Schedule.at` in Keras operations."""
    share = ops.minimum(now / moves.until, 1.0)
    if moves.shape == "exponential":
        return ops.exp(math.log(moves.start) + share * (math.log(moves.end) - math.log(moves.start)))
    if moves.shape == "cosine":
        share = (1.0 - ops.cos(math.pi * share)) / 2.0
    return moves.start + share * (moves.end - moves.start)
