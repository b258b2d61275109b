"""What an audit found."""

from dataclasses import dataclass

from bridle.records.finding import Finding
from bridle.records.ledger import Ledger


@dataclass(frozen=True)
class Audit:
    """What an audit of one training step found.

    Args:
        ledger: What moved each parameter.
        findings: What is wrong or worth knowing, the worst first.
        unrestored: What the audit used and could not put back, in sentences.
    """

    ledger: Ledger
    findings: tuple[Finding, ...]
    unrestored: tuple[str, ...] = ()
