"""A penalty in full beside a loss that is divided by the number of processes."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from bridle.auditing.audit import audit
from bridle.auditing.checks.penalty_per_replica import PenaltyPerReplica
from bridle.records import Ledger, Severity

NAME = "penalty_per_replica"
LEDGER = Ledger((), "SGD", penalty_passes=1, processes=4, replicas=4.0, data_weight=1.0)


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    ("case", "replicas", "instead"),
    [
        ("divided and summed", 2.0, "Divide the sum: ((data_loss + penalty) / 2).backward()."),
        ("divided in micro-batches and summed", 2.0, "Divide the sum: ((data_loss + penalty) / 2).backward()."),
        (
            "divided and averaged",
            1.0,
            "Gradients are averaged over processes already: write (data_loss + penalty).backward(), undivided.",
        ),
    ],
)
def test_counted_once_for_each_process(case, replicas, instead, rank, together):
    found = together[rank][case]["findings"][NAME]
    assert found["message"] == (
        "The data loss of each of 2 processes is divided by 2, the penalty beside it is not, so it counts 2 times as "
        f"much as it says: 0.2 on 0.weight. {instead} Or bridle.attach(model, optimizer, recipe): it adds the penalty "
        "once per step, in whichever number of processes."
    )
    assert found["severity"] == str(Severity.WARNING)
    strengths = {"0.weight": pytest.approx(0.2), "2.weight": pytest.approx(0.2)}
    assert found["numbers"] == {"processes": 2, "replicas": replicas, "strengths": strengths}


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    "case",
    [
        "mean",
        "summed",
        "both divided and summed",
        "averaged",
        "micro",
        "per micro-batch",
        "decayed",
        "attached",
        "more by hand",
        "by the first process",
        "alone",
    ],
)
def test_counted_once(case, rank, together):
    if case in together[rank]:
        assert NAME not in together[rank][case]["findings"]


def findings(**fields):
    return list(PenaltyPerReplica().look(SimpleNamespace(ledger=replace(LEDGER, **fields))))


def test_what_it_hangs_on():
    (found,) = findings()
    assert "counts 4 times as much as it says. Divide the sum" in found.message
    assert findings(penalty_passes=4)  # in each micro-batch, too
    assert findings(root=0.5, penalty_passes=2)
    assert not findings(root=0.25)
    assert not findings(penalty_passes=0)
    assert not findings(data_weight=4.0)
    assert not findings(data_weight=float("nan"))
    assert not findings(processes=1, replicas=1.0)


def test_one_process(training):
    case = training(penalty=lambda model: 0.05 * model.out.weight.square().sum(), micro=2)
    assert NAME not in [finding.name for finding in audit(case.model, case.optimizer, case.step).findings]
