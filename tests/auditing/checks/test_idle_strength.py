"""Strengths that move nothing in a whole training are found; others pass."""

import pytest

from bridle.auditing.checks.idle_strength import IdleStrength
from bridle.records import Part, Severity
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.updates import DecoupledDecay


def looked(observe, linear, ledger, run, *entries, **fields):
    return list(IdleStrength().look(observe(linear, ledger=ledger(*entries, **fields), run=run)))


def part(size):
    return Part(size, 0.0, 0.0)


def test_a_strength_without_effect(observe, linear, own_run, ledger, entry):
    held = entry(parts={"penalty": part(4e-7), "proximal": part(2e-7), "data": part(1.0)}), entry("last.weight")
    run = own_run(L2(1e-9), DecoupledDecay(1e-9), of={"steps": 300}, weight_decay=1e-9)
    (finding,) = looked(observe, linear, ledger, run, *held)
    assert finding.severity is Severity.INFO
    assert finding.numbers == {"moved": pytest.approx(9e-5), "steps": 300}
    assert finding.message.startswith("l2, decoupled_decay, training.weight_decay: in all 300 steps")


@pytest.mark.parametrize("name", ["penalty", "proximal", "decay"])
def test_a_strength_with_effect(observe, linear, own_run, ledger, entry, name):
    held = entry(), entry("last.weight", parts={name: part(2.1e-6)})
    assert looked(observe, linear, ledger, own_run(L2(0.1)), *held) == []


def test_where_there_is_no_strength_or_no_measure(observe, linear, own_run, ledger, entry):
    assert looked(observe, linear, ledger, own_run(Dropout(0.1)), entry()) == []
    assert looked(observe, linear, ledger, own_run(L2(0.1)), entry(), noise=0.5) == []
    assert looked(observe, linear, ledger, None, entry()) == []
