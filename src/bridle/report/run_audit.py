"""The audit of a run in words and rows: its strengths, as declared and as measured, and what moved each weight."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridle.records import Effect, Entry, Evidence, Finding, RunAudit
from bridle.report.wording import NOTHING, count, number, regularizer_name

SAME = 0.02
"""A measured strength within this share of the declared one is as declared."""
BY_LAYER = 24
"""From more parameters than this on there is a row for each layer, not for each parameter."""
PARTS = ("data", "penalty", "decay", "proximal", "clipping")
HOW = {
    "gradient": "by its gradient",
    "proximal step": "by an exact step after each update",
    "decay": "on the weights before each update",
}


@dataclass(frozen=True)
class Row:
    """One parameter, or all of a layer.

    Args:
        name: Its name.
        weights: How many numbers.
        moved: How far the step moved it, as a share of its size.
        shares: The parts' shares of that movement, by name, with ``"rest"``.
        strengths: Those on it, each as declared and as measured, and whether it is not as declared.
        unused: Whether the outputs depend on none of it.
    """

    name: str
    weights: str
    moved: str
    shares: dict[str, str]
    strengths: tuple[tuple[str, bool], ...]
    unused: bool


def dial_name(dial: str) -> str:
    """A strength in words: ``l2.strength`` is "L2", ``elastic_net.l1`` "elastic net L1"."""
    key, _, field = dial.rpartition(".")
    if key == "training":
        return "weight decay"
    name = regularizer_name(key)
    return name if field == "strength" else f"{name} {regularizer_name(field)}"


def found(evidence: Evidence) -> list[Finding]:
    """What the audit's checks found."""
    checks = evidence.audit.checks if evidence.audit is not None else ()
    return [finding for finding in evidence.findings if finding.name in checks]


def is_as_declared(effect: Effect) -> bool:
    """Whether a strength acts as the recipe says; so does one that cannot be seen, as far as is known."""
    return math.isnan(effect.measured) or abs(effect.measured - effect.declared) <= SAME * abs(effect.declared)


def strengths(audit: RunAudit) -> list[tuple[str, str]]:
    """Each strength of the recipe in a sentence, by its name in words; those of one value together."""
    groups: dict[tuple[str, str, float], list[Effect]] = {}
    for effect in audit.effects:
        groups.setdefault((effect.dial, effect.form, effect.declared), []).append(effect)
    return [
        (dial_name(dial), f"Declared {number(declared)}, {_measured(held)}. Acts {HOW[form]}.")
        for (dial, form, declared), held in groups.items()
    ]


def _measured(held: Sequence[Effect]) -> str:
    seen = [effect for effect in held if not math.isnan(effect.measured)]
    if not seen:
        return f"not to be seen on {count(len(held), 'parameter')}: there it has no gradient"
    off = [effect for effect in seen if not is_as_declared(effect)]
    on = count(len(held), "parameter")
    if not off:
        return f"measured {_range(effect.measured for effect in seen)} on {on}"
    return f"measured {_range(effect.measured for effect in seen)} on {on}: not as declared on {_names(off)}"


def _names(effects: Sequence[Effect]) -> str:
    names = [effect.weight for effect in effects]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _range(values: Iterable[float]) -> str:
    """One number where all read alike to two digits, else the ends."""
    ordered = sorted(values)
    low, high = number(ordered[0], 2), number(ordered[-1], 2)
    return low if low == high else f"{low} to {high}"


def rows(audit: RunAudit) -> list[Row]:
    """A row for each parameter, in the model's order; of many parameters one for each layer."""
    entries = audit.ledger.entries if audit.ledger is not None else ()
    by_layer = len(entries) > BY_LAYER
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.name.rpartition(".")[0] or entry.name) if by_layer else entry.name, []).append(entry)
    effects: dict[str, list[Effect]] = {}
    for effect in audit.effects:
        effects.setdefault(effect.weight, []).append(effect)
    return [
        _row(name, held, [one for entry in held for one in effects.get(entry.name, ())])
        for name, held in groups.items()
    ]


def at_work(audit: RunAudit) -> list[str]:
    """The parts that moved any weight, in the order of a step."""
    entries = audit.ledger.entries if audit.ledger is not None else ()
    return [name for name in PARTS if any(name in entry.parts for entry in entries)]


def _row(name: str, held: Sequence[Entry], effects: Sequence[Effect]) -> Row:
    moved = sum(entry.movement**2 for entry in held)
    size = sum(entry.size**2 for entry in held)
    shares = {
        part: sum(entry.parts[part].share * entry.movement**2 for entry in held if part in entry.parts) / moved
        for part in (*PARTS, "interaction")
        if moved and any(part in entry.parts for entry in held)
    }
    return Row(
        name=name,
        weights=f"{sum(math.prod(entry.shape) for entry in held):,}",
        moved=_percent(math.sqrt(moved / size)) if size else NOTHING,
        shares={"rest" if part == "interaction" else part: _percent(share) for part, share in shares.items()},
        strengths=_each(effects),
        unused=all(entry.used is False for entry in held),
    )


def _each(effects: Sequence[Effect]) -> tuple[tuple[str, bool], ...]:
    by_dial: dict[str, list[Effect]] = {}
    for effect in effects:
        by_dial.setdefault(effect.dial, []).append(effect)
    return tuple(
        (
            f"{dial_name(dial)} {_range(one.declared for one in held)} → {_spans(held)}",
            not all(map(is_as_declared, held)),
        )
        for dial, held in by_dial.items()
    )


def _percent(share: float) -> str:
    """A share of a movement: "12.3 %", of little "0.04 %"."""
    percent = 100 * share
    if percent == 0:
        return "0 %"
    return f"{percent:.1f} %" if abs(percent) >= 0.1 else f"{number(percent, 1)} %"


def audit_sentence(evidence: Evidence) -> str:
    """The audit in a sentence or two; empty where there was none."""
    audit = evidence.audit
    if audit is None:
        return ""
    if audit.ledger is None:
        return f"The training step could not be audited: {audit.failure}. {_checked(evidence, audit)}"
    off = [effect for effect in audit.effects if not is_as_declared(effect)]
    dials = dict.fromkeys(effect.dial for effect in audit.effects)
    parts = [f"{dial_name(dial)} {_spans([one for one in audit.effects if one.dial == dial])}" for dial in dials]
    if not parts:
        return f"Audit of a training step: no penalty or decay acts on weights. {_checked(evidence, audit)}"
    verdict = f"not as declared on {_names(off)}" if off else "as declared"
    return f"Audit of a training step: {', '.join(parts)} measured, {verdict}. {_checked(evidence, audit)}"


def _spans(effects: Sequence[Effect]) -> str:
    values = [one.measured for one in effects if not math.isnan(one.measured)]
    return _range(values) if values else "not to be seen"


def _checked(evidence: Evidence, audit: RunAudit) -> str:
    findings = found(evidence)
    if not audit.checks:
        return ""
    said = ", ".join(dict.fromkeys(finding.name.replace("_", " ") for finding in findings))
    return f"{count(len(audit.checks), 'check')} found {f'{len(findings)}: {said}' if findings else 'no mistake'}."
