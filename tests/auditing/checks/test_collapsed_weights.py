"""Matrices of which a training has left nothing are found; others pass."""

from bridle.auditing.checks.collapsed_weights import CollapsedWeights
from bridle.records import Severity

SIZES = {"first.weight": 2.0, "last.weight": 2.0, "first.bias": 2.0, "skip.weight": 0.0}


def looked(observe, linear, own_run, ledger, *entries):
    return list(CollapsedWeights().look(observe(linear, ledger=ledger(*entries), run=own_run(of={"sizes": SIZES}))))


def test_weights_that_are_gone(observe, linear, own_run, ledger, entry):
    held = (entry(size=0.0199), entry("last.weight", size=1e-7), entry("first.bias", kind="biases", size=0.0))
    (finding,) = looked(observe, linear, own_run, ledger, *held)
    assert finding.severity is Severity.WARNING
    assert finding.numbers == {"left": {"first.weight": 0.00995, "last.weight": 5e-8}}
    assert "first.weight, last.weight: training has left 5e-08 of the size that it began with of last.weight" in (
        finding.message
    )
    (finding,) = looked(observe, linear, own_run, ledger, entry(size=0.0))
    assert "training has left nothing but zeros of first.weight" in finding.message


def test_weights_that_are_there(observe, linear, own_run, ledger, entry):
    assert looked(observe, linear, own_run, ledger, entry(size=0.0201), entry("skip.weight", size=0.0)) == []


def test_elsewhere_it_does_not_look(observe, linear, ledger, entry):
    assert list(CollapsedWeights().look(observe(linear, ledger=ledger(entry(size=0.0))))) == []
