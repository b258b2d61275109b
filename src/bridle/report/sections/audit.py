"""What acted on each weight, as measured."""

from typing import Any

from bridle.records import Evidence
from bridle.report.run_audit import at_work, found, rows, strengths
from bridle.report.wording import count, number

SHOWN, FOLDED = 24, 200
"""Rows of the table that are open, and how many more are folded away; all of them are in the evidence."""


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The step that was measured, each strength in a sentence, the table, and what the checks found."""
    audit = evidence.audit
    if audit is None:
        return None
    held = rows(audit)
    ledger = audit.ledger
    return {
        "failure": audit.failure,
        "step": f"step {audit.step:,} of {audit.steps:,}, learning rate {number(audit.rate)}",
        "optimizer": ledger.optimizer if ledger is not None else "",
        "strengths": strengths(audit),
        "parts": at_work(audit),
        "rows": held[:SHOWN],
        "more": held[SHOWN : SHOWN + FOLDED],
        "left": max(len(held) - SHOWN - FOLDED, 0),
        "layers": ledger is not None and len(held) < len(ledger.entries),
        "notes": (*(ledger.notes if ledger is not None else ()), *audit.notes),
        "checks": count(len(audit.checks), "check"),
        "found": [(finding.severity.value, finding.name.replace("_", " ")) for finding in found(evidence)],
    }
