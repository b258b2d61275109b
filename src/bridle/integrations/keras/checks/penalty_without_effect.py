"""A regularizer that a layer declares and that is not in the model's losses."""

from collections.abc import Iterator

from bridle.integrations.keras.observed import Declared, Observed
from bridle.records import Finding, Severity


def penalty_without_effect(observed: Observed) -> Iterator[Finding]:
    """Declared after the layer was built, or on a frozen weight: moving the weight leaves the losses as they are."""
    for declared in observed.declared:
        share = observed.share(declared) if declared.variable is not None else None
        if share is not None and abs(share) < 0.01:
            kind = type(declared.penalty).__name__
            yield Finding(
                "penalty_without_effect",
                Severity.ERROR,
                f"{declared.name} has a {kind} declared, {_reason(declared)}: at the weights as they are it would add "
                f"{declared.value():.4g} to the loss, and it adds nothing. {_remedy(declared)}",
                {"weight": declared.name, "declared": declared.value(), "share_in_losses": share},
            )


def _reason(declared: Declared) -> str:
    if not declared.variable.trainable:
        return "but the weight is frozen and Keras leaves frozen weights out"
    if declared.variable.regularizer is None:
        return "but the layer was built before and made the weight without it"
    return "but the model's losses do not change with the weight"


def _remedy(declared: Declared) -> str:
    if not declared.variable.trainable:
        return "Leave it out, or set trainable = True and compile again."
    return (
        "Write bridle.keras.regularize(model, recipe), which acts on built layers, or give it when the layer is made."
    )
