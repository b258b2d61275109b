"""A regularised Keras layer added after ``compile``, behind the model's output."""

from collections.abc import Iterator
from typing import Any

from bridle.records import Finding, Severity

NAME = "layer_added_after_compile"


def look(model: Any, compiled: set[int]) -> Iterator[Finding]:
    """One finding for each layer that ``compile`` did not see.

    Args:
        model: A built Keras model.
        compiled: The ids of the layers that it had when it was compiled; empty where it had none yet.
    """
    layers = list(model.layers)
    for place, layer in enumerate(layers):
        if not compiled or id(layer) in compiled:
            continue
        before = layers[place - 1] if place else None
        activation = getattr(getattr(before, "activation", None), "__name__", "")
        behind = f", behind {before.name}" if before is not None else ""
        behind += f" and its {activation}" if activation in ("softmax", "sigmoid") else ""
        weights = [weight for weight in layer.trainable_weights if weight.regularizer is not None]
        what = "the output that its penalty comes with" if weights else "the output"
        message = (
            f"{layer.name} was added after compile(){behind}: a penalty is no layer of its own, and the model now "
            f"gives out what {layer.name} computes, {what}. Give the regularizer to the layer whose weights are meant "
            "(Dense(..., kernel_regularizer=keras.regularizers.L2(...))), and compile when all layers are there."
        )
        numbers = {"layer": layer.name, "regularized": [weight.name for weight in weights]}
        yield Finding(NAME, Severity.ERROR if weights else Severity.WARNING, message, numbers)
