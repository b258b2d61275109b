"""Decay by the optimizer on what is no matrix."""

from collections.abc import Iterator

from bridle.integrations.keras.observed import Observed
from bridle.integrations.keras.overlaps import decays
from bridle.integrations.keras.scope import weights
from bridle.records import Finding, Severity


def decay_on_biases(observed: Observed) -> Iterator[Finding]:
    """``weight_decay`` of Keras's optimizers acts on biases, norms and embeddings too unless they are excluded."""
    if not observed.optimizer:
        return
    found = {
        name: weight
        for name, weight in weights(observed.model).items()
        if weight.kind != "matrices" and decays(observed.optimizer, weight)
    }
    if found:
        decay = decays(observed.optimizer, next(iter(found.values())))
        words = sorted({weight.variable.name for weight in found.values()})
        yield Finding(
            "decay_on_biases",
            Severity.WARNING,
            f"{type(observed.optimizer).__name__} decays {', '.join(list(found)[:5])}"
            f"{f' and {len(found) - 5} more' if len(found) > 5 else ''} by weight_decay = {decay:g}: biases, norms and "
            "embeddings, which shrink for no gain. Write optimizer.exclude_from_weight_decay("
            f"var_names={words!r}) before the first step.",
            {"weight_decay": decay, "weights": {name: weight.kind for name, weight in found.items()}},
        )
