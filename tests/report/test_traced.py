"""The audit of a script for people and for programs."""

import json

import pytest

from bridle.errors import RunError
from bridle.records import Finding, Severity
from bridle.records.traced import Traced
from bridle.report.traced import check_format, text, written

FINDINGS = (Finding("shared_rows", Severity.ERROR, "Rows " * 30, {"share": 0.5}), Finding("x", Severity.INFO, "Small."))
TRACED = Traced("train.py", FINDINGS, 1, 2, ("Not seen.",))


def test_text():
    lines = text(TRACED).splitlines()
    assert lines[0] == "train.py: 1 optimizer step, 2 validations"
    assert lines[2] == "ERROR shared_rows"
    assert max(map(len, lines)) <= 100
    assert lines[-4:] == ["note", "  Not seen.", "", "Found: 1 error, 1 info."]
    assert text(Traced("a.py", (), 2, 1)) == "a.py: 2 optimizer steps, 1 validation\n\nNothing was found."
    assert text(Traced("a.py", FINDINGS * 2, 2, 1)).endswith("Found: 2 errors, 2 info.")


def test_forms():
    assert json.loads(written(TRACED, "json")) == TRACED.plain()
    assert json.loads(written(TRACED, "sarif"))["version"] == "2.1.0"
    assert written(TRACED, "text") == text(TRACED)


def test_no_form():
    check_format("sarif")
    with pytest.raises(RunError, match="format must be one of text, json, sarif; got 'xml'"):
        check_format("xml")
