"""The audit of a run, to JSON and back; evidence of before there was one."""

import json
import math

from bridle.records import Effect, Entry, Evidence, Ledger, Part, RunAudit, serial

ENTRY = Entry(
    "a.weight", "matrices", (2, 3), True, True, None, 1.0, 0.1, 0.0, 0.01, 0.5, 0.1,
    {"data": Part(0.1, 1.0, 0.0)}, strength=0.1, fit=1.0, sources={"bridle": 0.1},
)  # fmt: skip
RECORD = RunAudit(
    Ledger((ENTRY,), "AdamW", notes=("A note.",)), (Effect("l2.strength", "a.weight", "gradient", 0.1, 0.1, 1.0),),
    ("denormals",), 5, 12, 0.01, ("Another.",),
)  # fmt: skip


def test_there_and_back():
    text = serial.dumps(RECORD)
    back = serial.loads(RunAudit, text)
    assert serial.dumps(back) == text
    assert back.effects == RECORD.effects
    assert back.ledger.entries[0].shape == (2, 3)
    assert back.ledger.entries[0].parts["data"].share == 1.0
    assert back.ledger.entries[0].used is None
    assert math.isnan(back.ledger.entries[0].decay)


def test_a_step_that_could_not_be_audited():
    back = serial.loads(RunAudit, serial.dumps(RunAudit(None, failure="why", checks=("denormals",))))
    assert (back.ledger, back.failure, back.checks) == (None, "why", ("denormals",))
    assert math.isnan(back.rate)


def test_evidence_of_before_loads():
    old = {
        "command": {}, "task": "regression", "metric": "rmse", "higher_is_better": False, "recipe": "", "schema": 1,
        "data": {"name": "d", "fingerprint": "", "kind": "table", "shape": [3], "target": "y", "classes": [],
                 "rows": {}, "counts": {}},
    }  # fmt: skip
    evidence = serial.loads(Evidence, json.dumps(old))
    assert evidence.audit is None
    assert serial.loads(Evidence, serial.dumps(evidence)).audit is None
