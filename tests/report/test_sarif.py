"""The log has what SARIF 2.1.0 requires, object by object."""

import json

from bridle.records import Finding, Severity
from bridle.records.traced import Traced
from bridle.report.sarif import sarif

FINDINGS = tuple(Finding(f"n{number}", severity, "Said.", {"a": 1}) for number, severity in enumerate(Severity))
LOG = json.loads(sarif(Traced("code/train.py", FINDINGS, 1, 0, ("Not seen.",)), "1.2"))


def test_required_fields():
    """sarifLog: version, runs; run: tool; tool: driver; toolComponent: name; invocation: executionSuccessful."""
    assert LOG["version"] == "2.1.0"
    assert LOG["$schema"].endswith("sarif-2.1.0.json")
    (run,) = LOG["runs"]
    assert (run["tool"]["driver"]["name"], run["tool"]["driver"]["version"]) == ("bridle", "1.2")
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "Not seen."


def test_results():
    """Result: message, and ruleIndex must point at the rule of ruleId; level is one of a fixed list."""
    run = LOG["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [result["level"] for result in run["results"]] == ["note", "warning", "error"]
    for result in run["results"]:
        assert result["message"] == {"text": "Said."}
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "code/train.py"}
        assert place["region"]["startLine"] >= 1


def test_no_findings_are_an_empty_list():
    assert json.loads(sarif(Traced("a.py", (), 1, 0), "1"))["runs"][0]["results"] == []
