"""A strength that makes weights collapse, or that moves nothing."""

from collections.abc import Iterator
from typing import ClassVar, final

import torch

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import is_pulled, repeatable, shrink, some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity

COLLAPSE = 0.05
"""The share of itself that a weight loses in a step, from which on it halves in fewer than 14 steps."""
OVERWHELMED = 10.0
"""How many times the data's gradient a penalty's is when little but the penalty is trained."""
FINE = torch.finfo(torch.float32).eps
"""The unit of rounding of weights whose type is not known."""
MOVING = 1e-5
"""The share of its size by which a weight moves when the learning rate is at work (not in a warm-up)."""


@final
class StrengthOutOfRange(Check):
    """The penalty overwhelms the data, or is lost in rounding."""

    name: ClassVar[str] = "strength_out_of_range"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look at the matrices that the data trains."""
        ledger = repeatable(observed)
        if ledger is None:
            return
        trained = [entry for entry in ledger.entries if entry.kind == "matrices" and entry.data_gradient > 0]
        found = [entry for entry in trained if _collapses(entry)]
        if found:
            first = max(found, key=shrink)
            ratio = first.penalty_gradient / first.data_gradient
            yield Finding(
                self.name,
                Severity.ERROR,
                f"{some(found)}: {first.name} loses {shrink(first):.2g} of itself in a step, and its penalty's "
                f"gradient is {ratio:.2g} times the data's. Weights go to zero. Lower the strength tenfold, or "
                "let bridle.fit choose it.",
                {"shrink": {entry.name: shrink(entry) for entry in found}, "gradient_ratio": ratio},
            )
        # What moves nothing in a run of Bridle's is told over the whole training: a search may well choose so.
        decoupled = any(group.get("decoupled_weight_decay") for group in observed.optimizer.param_groups)
        units = {name: torch.finfo(weight.dtype).eps for name, weight in observed.model.named_parameters()}
        lost = [one for one in trained if _is_still(one) and _expected(one, decoupled) < units.get(one.name, FINE)]
        idle = lost if observed.run is None else []
        if idle:
            strength = idle[0].declared or idle[0].strength
            yield Finding(
                self.name,
                Severity.WARNING,
                f"The strength {strength:.3g} moves nothing: {some(idle)} end where they would without it, bit for "
                "bit, because it is below the rounding of these numbers. Raise it or leave it out.",
                {"strengths": {entry.name: entry.declared or entry.strength for entry in idle}},
            )


def _collapses(entry: Entry) -> bool:
    overwhelmed = entry.penalty_gradient > OVERWHELMED * entry.data_gradient
    decays = "decay" in entry.parts and entry.parts["decay"].shrink > COLLAPSE
    return overwhelmed or decays or (shrink(entry) > COLLAPSE and entry.penalty_gradient > entry.data_gradient)


def _is_still(entry: Entry) -> bool:
    """Whether a penalty is there and moves nothing, while the data does."""
    moves = entry.movement > MOVING * entry.size > 0
    return moves and (entry.declared > 0 or entry.strength > 0) and not is_pulled(entry)


def _expected(entry: Entry, decoupled: bool) -> float:
    """The share of its size that a decay takes, or a penalty by its share of the gradient.

    In the first steps of Adam, which go by the gradient's sign, a penalty of any size may move nothing.
    """
    if decoupled and entry.declared > 0:
        return entry.rate * entry.declared
    gradient = max(entry.penalty_gradient, entry.declared * entry.size)
    return entry.movement / entry.size * gradient / entry.data_gradient
