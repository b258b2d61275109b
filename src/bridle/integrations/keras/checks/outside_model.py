"""A regularised layer, or a weight, that training does not reach."""

from collections.abc import Iterator

from bridle.integrations.keras.observed import Observed
from bridle.integrations.keras.scope import weights
from bridle.records import Finding, Severity


def outside_model(observed: Observed) -> Iterator[Finding]:
    """Layers that are never called, weights on which no output depends, weights that the optimizer does not hold."""
    for declared in observed.declared:
        kind = type(declared.penalty).__name__
        if declared.variable is None and not declared.layer.built:
            yield Finding(
                "penalty_outside_model",
                Severity.ERROR,
                f"The layer {declared.layer.name} declares a {kind} for {declared.name} and was never called: it is no "
                "part of what the model computes. Call it in the model, or remove it.",
                {"weight": declared.name, "built": False},
            )
        elif declared.variable is not None and observed.reaches(declared) is False:
            yield Finding(
                "penalty_outside_model",
                Severity.ERROR,
                f"{declared.name} has a {kind} of {declared.value():.4g}, and no output of the model depends on it: "
                "the penalty shrinks a weight that nothing uses. Use the weight in call(), or remove it.",
                {"weight": declared.name, "declared": declared.value(), "reaches_outputs": False},
            )
    yield from _outside_optimizer(observed)


def _outside_optimizer(observed: Observed) -> Iterator[Finding]:
    if not observed.optimizer or not observed.optimizer.built:
        return
    held = {id(variable) for variable in observed.optimizer._trainable_variables}
    missing = [name for name, weight in weights(observed.model).items() if id(weight.variable) not in held]
    if missing:
        yield Finding(
            "weights_outside_optimizer",
            Severity.ERROR,
            f"The {type(observed.optimizer).__name__} does not hold {', '.join(missing[:5])}: a layer came, or was "
            "unfrozen, after it was built. Call model.compile(...) with a new optimizer.",
            {"weights": missing},
        )
