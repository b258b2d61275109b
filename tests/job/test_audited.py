"""A run ends with the audit of its own step."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import bridle
from bridle.core import Recipe, Training
from bridle.records import Evidence, serial
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2


@pytest.fixture
def fit(tmp_path, data):
    """A run on the small table."""

    def make(*regularizers, name="run", model=None, data=data, **training):
        recipe = Recipe(*regularizers, training=Training(**{"epochs": 2, "batch_size": 16, **training}))
        return bridle.fit(data, recipe, out=tmp_path / name, model=model, device="cpu", workers=1)

    return make


def test_evidence_and_report_hold_what_acted(fit):
    run = fit(L2(0.1), L1(0.003), weight_decay=0.2)
    audit = run.evidence.audit
    measured = {(one.dial, one.weight): one for one in audit.effects}
    for dial, strength in (("l2.strength", 0.1), ("l1.strength", 0.003), ("training.weight_decay", 0.2)):
        assert measured[dial, "first.weight"].declared == strength
        assert measured[dial, "first.weight"].measured == pytest.approx(strength, rel=5e-3)
    assert audit.ledger.form == "decoupled"
    assert {entry.name for entry in audit.ledger.entries} == {name for name, _ in run.model.named_parameters()}
    assert audit.failure == ""
    assert run.evidence.seconds["audit"] > 0
    assert [finding.name for finding in run.evidence.findings].count("decay_scope") == 1
    page = (run.folder / "report.html").read_text()
    assert "What acted on each weight" in page
    assert "L1 0.003 → 0.003" in page
    plain = json.loads((run.folder / "evidence.json").read_text())
    assert plain["audit"]["effects"][0]["dial"] == "l2.strength"
    again = serial.loads(Evidence, (run.folder / "evidence.json").read_text())
    assert serial.dumps(again) == serial.dumps(run.evidence)


def test_a_run_is_bit_for_bit_what_it_is_without(fit, monkeypatch, data):
    parts = (L2(0.01), L1(0.003), Dropout(0.2), EMA(0.9))
    before = torch.get_rng_state()
    audited = fit(*parts, name="one")
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr("bridle.job.fit.audited", lambda *_: None)
    plain = fit(*parts, name="other")
    one, other = (load_file(run.folder / "model.safetensors") for run in (audited, plain))
    assert all(torch.equal(one[name], other[name]) for name in other)
    assert one.keys() == other.keys()
    left, right = (json.loads((run.folder / "evidence.json").read_text()) for run in (audited, plain))
    for of in (left, right):
        del of["audit"], of["seconds"]
        for outcome in of["tested"][0]["outcomes"]:
            del outcome["seconds"]
    assert left == right
    np.testing.assert_array_equal(audited.predict(data[0]).probabilities, plain.predict(data[0]).probabilities)


def test_a_run_whose_audit_fails_says_so_and_is_done(fit, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("bridle.job.audited.audit_member", broken)
    run = fit(L2(0.01))
    assert run.evidence.audit.failure == "RuntimeError: out of memory"
    assert run.evidence.audit.ledger is None
    assert "could not be audited: RuntimeError: out of memory" in (run.folder / "report.html").read_text()


class Leaky(nn.Module):
    """Drops by a function that knows nothing of evaluation."""

    def __init__(self, example, outputs):
        super().__init__()
        self.first, self.last = nn.Linear(len(example), 8), nn.Linear(8, outputs)

    def forward(self, x):
        return self.last(nn.functional.dropout(self.first(x).tanh(), 0.3))


def test_what_checks_find_is_in_the_evidence(fit, data):
    run = fit(L2(0.01), model=Leaky)
    assert "functional_dropout" in [finding.name for finding in run.evidence.findings]
    inputs, targets = data
    copies = (np.concatenate([inputs, inputs]), np.concatenate([targets, targets]))
    run = fit(L2(0.01), name="copies", data=copies)
    (finding,) = [finding for finding in run.evidence.findings if finding.name == "shared_rows"]
    assert finding.severity == "warning"
    assert "test rows" in finding.message
    clean = fit(L2(0.01), name="clean")
    assert clean.evidence.findings == ()
    assert "shared_rows" in clean.evidence.audit.checks


def test_a_search_hands_over_its_candidates(begin, tmp_path, data, space, monkeypatch):
    seen = {}

    def look(self, observed):
        seen["candidates"] = observed.run.candidates
        yield from ()

    monkeypatch.setattr("bridle.auditing.checks.collapsed_candidates.CollapsedCandidates.look", look)
    run = bridle.fit(data, space, out=tmp_path / "search", trials=2, folds=2, seeds=1, workers=1, device="cpu")
    assert [candidate.number for candidate in seen["candidates"]] == [one.number for one in run.evidence.candidates]
    assert len(seen["candidates"]) == 2
    assert run.evidence.audit.ledger is not None


def test_the_files_that_it_reads_are_gone_afterwards(fit):
    run = fit(L2(0.01))
    assert not (run.folder / "members").exists()
    assert not math.isnan(run.evidence.audit.rate)
    assert Path(run.folder / "report.html").is_file()
