"""What the audit of a script established."""

from dataclasses import dataclass
from typing import Any

from bridle.records.finding import Finding, Severity


@dataclass(frozen=True)
class Traced:
    """A script that was run under the audit.

    Args:
        script: Its path as given.
        findings: What was found, errors first.
        steps: Optimizer steps that it made before it was stopped or ended.
        validations: Passes over validation rows that it made.
        notes: What could not be seen, and why.
    """

    script: str
    findings: tuple[Finding, ...]
    steps: int
    validations: int
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        findings = [
            {"name": one.name, "severity": str(one.severity), "message": one.message, "numbers": one.numbers}
            for one in self.findings
        ]
        return {
            "script": self.script,
            "steps": self.steps,
            "validations": self.validations,
            "findings": findings,
            "notes": list(self.notes),
        }
