"""A Keras regularizer assigned to a layer whose weights exist already."""

from collections.abc import Iterator
from typing import Any

from bridle.records import Finding, Severity

NAME = "regularizer_set_after_build"


def look(model: Any) -> Iterator[Finding]:
    """One finding for each layer whose ``*_regularizer`` its weight does not know.

    Args:
        model: A built Keras model.
    """
    for layer in model._flatten_layers(include_self=False):
        for weight in layer.weights if layer.built else ():
            # The attribute of the layer is named after the weight, with "_regularizer" at its end.
            declared = getattr(layer, f"{weight.name}_regularizer", None)
            if declared is None or weight.regularizer is not None:
                continue
            message = (
                f"{layer.name}.{weight.name}_regularizer is {type(declared).__name__}, but the weight itself has no "
                "regularizer: it was assigned after the layer was built, which adds nothing to the loss. Give it to "
                f"the layer's constructor, or set it on the weight: layer.{weight.name}.regularizer = "
                "keras.regularizers.L2(...)."
            )
            yield Finding(NAME, Severity.ERROR, message, {"layer": layer.name, "weight": weight.name})
