"""A declared decay that covers biases, norm scales or embeddings."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.observed import Observed
from bridle.core.scope import kind_of, parameters
from bridle.records import Finding, Severity

SPARED = ("biases", "norms", "embeddings")


@final
class DeclaredDecay(Check):
    """What the optimizer's groups declare is compared with the modules that own the parameters.

    This is for steps that could not be measured: where there is a ledger, ``decay_scope`` says what the decay did.
    """

    name: ClassVar[str] = "declared_decay"
    seen_in: ClassVar[tuple[str, ...]] = ("script",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the number of parameters of each kind."""
        if observed.ledger is not None:
            return
        kinds = {
            id(weight): (full, kind_of(module, name, weight))
            for full, (module, name, weight) in parameters(observed.model).items()
        }
        covered: dict[str, list[str]] = {}
        strengths = set()
        for group in observed.optimizer.param_groups:
            for weight in group["params"] if group.get("weight_decay") else ():
                full, kind = kinds.get(id(weight), ("", ""))
                if kind in SPARED:
                    covered.setdefault(kind, []).append(full)
                    strengths.add(float(group["weight_decay"]))
        if not covered:
            return
        listing = ", ".join(f"{len(names)} {kind} (such as {names[0]})" for kind, names in covered.items())
        message = (
            f"weight_decay={max(strengths):g} also covers {listing}. Pulling them to zero shifts activations, switches "
            "norms off or forgets rare tokens, and does not simplify the function. Give two groups: "
            "[{'params': matrices, 'weight_decay': w}, {'params': others, 'weight_decay': 0.0}]; bridle's L2 leaves "
            "them alone by default."
        )
        numbers = {"weight_decay": max(strengths), **{kind: len(names) for kind, names in covered.items()}}
        yield Finding(self.name, Severity.WARNING, message, numbers)
