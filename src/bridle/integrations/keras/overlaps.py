"""What is noticed when a recipe is bound to a Keras model: the same thing done twice, or done to no avail."""

from collections.abc import Iterator
from typing import Any

import keras

from bridle.core import Averaging, StopRule, UpdateRule
from bridle.engine.overlaps import some
from bridle.integrations.keras.handle import Handle
from bridle.integrations.keras.scope import Weight, layers, weights
from bridle.records import Finding, Severity


def overlaps(handle: Handle) -> Iterator[Finding]:
    """The findings on a recipe that was just bound."""
    yield from _penalised_twice(handle)
    if handle.recipe.of(Averaging):
        yield from _averages(handle)
    if handle.recipe.of(StopRule):
        yield from _monitored(handle)


def decays(optimizer: Any, weight: Weight) -> float:
    """The optimizer's own decay on a weight; 0 where it has none."""
    strength = optimizer.weight_decay
    return float(strength) if strength and optimizer._use_weight_decay(weight.variable) else 0.0


def _penalised_twice(handle: Handle) -> Iterator[Finding]:
    optimizer = handle.model.optimizer
    for part in handle.parts:
        item = part.declared
        if isinstance(item, UpdateRule) and not item.decays:
            continue
        decayed = {w.name: decays(optimizer, w) for w in part.weights if decays(optimizer, w)}
        if decayed:
            yield Finding(
                "penalty_and_weight_decay",
                Severity.WARNING,
                f"{item.key} acts on {some(list(decayed))}, which {type(optimizer).__name__} decays by itself with "
                f"weight_decay = {next(iter(decayed.values())):g}. Both take effect. Compile with weight_decay=0 "
                "unless that is meant.",
                {"weight_decay": decayed},
            )
        own = [w.name for w in part.weights if w.variable.regularizer is not None]
        if own:
            yield Finding(
                "penalty_and_regularizer",
                Severity.WARNING,
                f"{item.key} acts on {some(own)}, whose layer has a regularizer of its own that Keras adds to the "
                "loss. Both take effect, and the layer's is in val_loss. Build the layer without it.",
                {"weights": own},
            )


def _averages(handle: Handle) -> Iterator[Finding]:
    if handle.model.optimizer.use_ema:
        yield Finding(
            "averaged_twice",
            Severity.WARNING,
            "The optimizer averages weights by itself (use_ema=True), and so does the recipe. Compile without use_ema.",
        )
    norms = [layer.name for layer in layers(handle.model) if isinstance(layer, keras.layers.BatchNormalization)]
    if norms:
        yield Finding(
            "stale_statistics",
            Severity.WARNING,
            f"The averaged weights meet the moving statistics of {some(norms)} as the live weights left them. Score "
            "with a pass of training batches in between, or use a norm without moving statistics.",
            {"layers": norms},
        )


def _monitored(handle: Handle) -> Iterator[Finding]:
    terms = [weight.name for weight in weights(handle.model).values() if weight.variable.regularizer is not None]
    if terms:
        yield Finding(
            "penalty_in_monitored_loss",
            Severity.WARNING,
            f"Early stopping watches val_loss, which holds the penalty of {some(terms)}: Keras adds layers' own "
            "regularizers to it. Build the layers without them and declare the penalty in the recipe.",
            {"weights": terms},
        )
