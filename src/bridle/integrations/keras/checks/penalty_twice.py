"""A weight that is penalised twice."""

from collections.abc import Iterator

from bridle.integrations.keras.observed import Observed
from bridle.integrations.keras.overlaps import decays
from bridle.integrations.keras.scope import weights
from bridle.records import Finding, Severity


def penalty_twice(observed: Observed) -> Iterator[Finding]:
    """The same regularizer in the losses more than once, or beside the optimizer's own decay."""
    known = weights(observed.model)
    for declared in observed.declared:
        kind = type(declared.penalty).__name__
        share = observed.share(declared) if declared.variable is not None else None
        if share is None or share < 0.5:
            continue
        if share > 1.5:
            yield Finding(
                "penalty_twice",
                Severity.ERROR,
                f"The {kind} of {declared.name} is in the losses {share:.3g} times. Look "
                "for an add_loss, or a term in the loss, that repeats what the layer declares, and drop one.",
                {"weight": declared.name, "share_in_losses": share},
            )
        held = observed.optimizer is not None and declared.name in known
        decay = decays(observed.optimizer, known[declared.name]) if held else 0.0
        if decay:
            yield Finding(
                "penalty_and_weight_decay",
                Severity.WARNING,
                f"{declared.name} has a {kind} in the loss, and "
                f"{type(observed.optimizer).__name__} decays it by weight_decay = {decay:g}. Both take effect. Write "
                "weight_decay=0 unless that is meant.",
                {"weight": declared.name, "share_in_losses": share, "weight_decay": decay},
            )
