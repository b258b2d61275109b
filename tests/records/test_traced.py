"""The audit of a script as plain data."""

import json

from bridle.records import Finding, Severity
from bridle.records.traced import Traced


def test_plain_and_failed():
    warning, error = Finding("a", Severity.WARNING, "b", {"c": 1.5}), Finding("d", Severity.ERROR, "e")
    traced = Traced("train.py", (warning,), 1, 0, ("f",))
    assert not traced.failed
    assert Traced("train.py", (warning, error), 1, 0).failed
    assert json.loads(json.dumps(traced.plain())) == {
        "script": "train.py",
        "steps": 1,
        "validations": 0,
        "findings": [{"name": "a", "severity": "warning", "message": "b", "numbers": {"c": 1.5}}],
        "notes": ["f"],
    }
