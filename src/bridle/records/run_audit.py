"""What the audit of a finished run found about its own training step."""

from dataclasses import dataclass

from bridle.records.ledger import Ledger


@dataclass(frozen=True)
class Effect:
    """One strength of the recipe on one parameter: as declared, and as the step shows it.

    Args:
        dial: Its address, such as ``"l2.strength"``, ``"elastic_net.l1"`` or ``"training.weight_decay"``.
        weight: The parameter's name.
        form: How it acts: ``"gradient"``, ``"proximal step"`` or ``"decay"``.
        declared: What the recipe says at that point of the training, schedules included.
        measured: What acted, by least squares: a penalty's gradient or step over that of unit strength, a decay over
            the weight and the learning rate. 0 where nothing moved; NaN where it cannot be seen, as on weights that
            are all zero.
        fit: How much of what moved has that shape (R squared, together with the others of its form on this weight).
    """

    dial: str
    weight: str
    form: str
    declared: float
    measured: float
    fit: float = float("nan")


@dataclass(frozen=True)
class RunAudit:
    """The audit of one step of the chosen recipe's own training, taken on a copy of the refitted network.

    Args:
        ledger: What moved each parameter; ``None`` where the step could not be audited.
        effects: Every strength of the recipe on every parameter that it touches.
        checks: The names of the checks that looked; what they found is among the findings of the evidence.
        step: Which optimizer step it was, counted from 1: its batch, its learning rate, its place in the schedules.
        steps: How many optimizer steps the training took.
        rate: The learning rate of that step.
        notes: What the ledger does not tell apart or leaves out, in sentences.
        failure: Why there is no ledger; empty where there is one.
    """

    ledger: Ledger | None
    effects: tuple[Effect, ...] = ()
    checks: tuple[str, ...] = ()
    step: int = 0
    steps: int = 0
    rate: float = float("nan")
    notes: tuple[str, ...] = ()
    failure: str = ""
