"""A regularised Keras weight that the model does not use."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bridle.records import Finding, Severity

NAME = "regularized_weight_unused"
ROWS = 16


def look(model: Any, inputs: Any) -> Iterator[Finding]:
    """One finding for each regularised weight whose change changes no output.

    Args:
        model: A built Keras model.
        inputs: What ``fit`` was given as ``x``.
    """
    weights = [weight for weight in model.trainable_weights if weight.regularizer is not None]
    rows = _rows(inputs) if weights else None
    if rows is None:
        return
    plain = _outputs(model, rows)
    for weight in weights:
        held = np.array(_numbers(weight))
        # Uneven and in both directions: softmax does not feel an even shift, and a rectifier may be off on one side.
        away = (1 + np.abs(held)) * np.random.default_rng(0).uniform(0.5, 1.5, held.shape)
        try:
            changed = any(_differ(plain, _outputs(model, rows, weight, held + sign * away)) for sign in (1, -1))
        finally:
            weight.assign(held)
        if changed:
            continue
        message = (
            f"{weight.path} has a regularizer, but no output changes with it: the penalty pulls on a weight that the "
            "model never uses, and regularizes nothing. Give the regularizer to the weight that call() uses, or call "
            "self.add_loss() with a penalty on that one."
        )
        yield Finding(NAME, Severity.ERROR, message, {"weight": weight.path, "size": int(held.size)})


def _rows(inputs: Any) -> Any:
    """Some rows of arrays or of a nest of arrays; of a data set its first inputs; None where they are used up."""
    if isinstance(inputs, dict):
        return {name: value[:ROWS] for name, value in inputs.items()}
    if isinstance(inputs, list | tuple):
        return [value[:ROWS] for value in inputs]
    if hasattr(inputs, "shape"):
        return inputs[:ROWS]
    if hasattr(inputs, "__next__") or not hasattr(inputs, "__iter__"):
        return None
    batch = next(iter(inputs))
    return _rows(batch[0] if isinstance(batch, list | tuple) else batch)


def _differ(one: list[Any], other: list[Any]) -> bool:
    return any(not np.array_equal(*pair, equal_nan=True) for pair in zip(one, other, strict=True))


def _outputs(model: Any, rows: Any, weight: Any = None, value: Any = None) -> list[Any]:
    """What the model puts out, with another value for a weight if one is given."""
    if weight is not None:
        weight.assign(value.astype(np.asarray(_numbers(weight)).dtype))
    outputs = model(rows, training=False)
    parts = (
        outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list | tuple) else [outputs]
    )
    return [np.array(_numbers(part)) for part in parts]


def _numbers(tensor: Any) -> Any:
    """A tensor of any backend as an array."""
    value = getattr(tensor, "value", tensor)
    value = value.detach().cpu() if hasattr(value, "detach") else value
    return value.numpy() if hasattr(value, "numpy") else value
