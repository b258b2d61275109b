"""What was noticed on the way, the most serious first."""

from typing import Any

from bridle.records import Evidence, Severity
from bridle.report.wording import value

ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The findings with their measurements."""
    if not evidence.findings:
        return None
    findings = sorted(evidence.findings, key=lambda finding: ORDER.index(finding.severity))
    return {
        "findings": [
            {
                "severity": finding.severity.value,
                "name": finding.name.replace("_", " "),
                "message": finding.message,
                "numbers": [(name.replace("_", " "), value(item)) for name, item in finding.numbers.items()],
            }
            for finding in findings
        ]
    }
