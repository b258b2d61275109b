"""Outputs that are probabilities where the loss expects logits, or the other way round, or a layer behind a softmax."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from bridle.integrations.keras.observed import Observed
from bridle.integrations.keras.smoothing import NAMES, declared_loss
from bridle.records import Finding, Severity


def softmax_and_logits(observed: Observed) -> Iterator[Finding]:
    """Compares what the model gives on drawn inputs with what its cross-entropy takes."""
    yield from _behind_softmax(observed.model)
    loss: Any = declared_loss(observed.model) if getattr(observed.model, "loss", None) is not None else None
    if type(loss) not in NAMES.values() or len(observed.outputs) != 1:
        return
    takes_logits = bool(loss.get_config()["from_logits"])
    binary = isinstance(loss, keras.losses.BinaryCrossentropy)
    rows = observed.outputs[0].astype("float64")
    gives = _probabilities(observed.model, rows, binary)
    numbers = {"lowest": float(rows.min()), "sum": float(rows.sum(-1).mean()), "from_logits": takes_logits}
    seen = f"on drawn inputs it gives {rows.min():.3g} to {rows.max():.3g}, rows summing to {rows.sum(-1).mean():.3g}"
    if gives and takes_logits:
        yield Finding(
            "softmax_before_logits_loss",
            Severity.ERROR,
            f"The model gives probabilities ({seen}) and its loss has from_logits=True: they are taken through the "
            f"softmax twice, which flattens the gradient. Write {type(loss).__name__}(), or remove the activation.",
            numbers,
        )
    if not gives and not takes_logits:
        yield Finding(
            "logits_before_probability_loss",
            Severity.ERROR,
            f"The model gives no probabilities ({seen}) and its loss has from_logits=False: values outside (0, 1) are "
            f"clipped and have no gradient. Write {type(loss).__name__}(from_logits=True).",
            numbers,
        )


def _probabilities(model: Any, rows: np.ndarray[Any, Any], binary: bool) -> bool:
    within = bool((rows >= 0).all() and (rows <= 1 + 1e-6).all())
    if binary:  # a few linear outputs may lie in [0, 1] by chance
        return within and getattr(model.layers[-1], "activation", None) is not keras.activations.linear
    return within and bool(np.abs(rows.sum(-1) - 1).max() < 1e-3)


def _behind_softmax(model: Any) -> Iterator[Finding]:
    stack = model.layers if isinstance(model, keras.Sequential) else []
    for place, layer in enumerate(stack):
        behind = [other.name for other in stack[place + 1 :] if other.weights]
        if _is_softmax(layer) and behind:
            yield Finding(
                "layer_behind_softmax",
                Severity.WARNING,
                f"{layer.name} ends in a softmax, and {', '.join(behind)} stands behind it: what it sees are "
                "probabilities, which carry little of what was learned. Add layers before the softmax, then compile.",
                {"softmax": layer.name, "behind": behind},
            )


def _is_softmax(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Softmax) or getattr(layer, "activation", None) is keras.activations.softmax
