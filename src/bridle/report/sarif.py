"""Findings as SARIF 2.1.0, which code hosts show beside the code."""

import json
from pathlib import Path
from typing import Any

from bridle.records import Finding, Severity
from bridle.records.traced import Traced

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}


def sarif(traced: Traced, version: str) -> str:
    """The audit of a script as a SARIF log with one run.

    Args:
        traced: The audit.
        version: Bridle's version.
    """
    rules = sorted({finding.name for finding in traced.findings})
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "bridle",
                "version": version,
                "rules": [{"id": name, "shortDescription": {"text": name.replace("_", " ")}} for name in rules],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "note", "message": {"text": note}} for note in traced.notes],
            }
        ],
        "results": [_result(finding, rules, traced.script) for finding in traced.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(finding: Finding, rules: list[str], script: str) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": Path(script).as_posix()}, "region": {"startLine": 1}}
    return {
        "ruleId": finding.name,
        "ruleIndex": rules.index(finding.name),
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "properties": {"numbers": finding.numbers},
    }
