"""A strength that is too large or too small."""

from torch.optim import SGD, AdamW

from bridle.auditing.audit import audit
from bridle.auditing.checks.strength_out_of_range import StrengthOutOfRange
from bridle.records import Part, Severity

NAME = "strength_out_of_range"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def l2(strength, weights=lambda model: [model.hidden.weight, model.out.weight]):
    return lambda model: 0.5 * strength * sum(weight.square().sum() for weight in weights(model))


def test_weights_collapse(training):
    (found,) = findings(training(penalty=l2(100.0)))
    assert found.severity is Severity.ERROR
    assert found.numbers["gradient_ratio"] > 10
    (found,) = findings(training(lambda weights: AdamW(weights, 0.1, weight_decay=1.0)))
    assert round(found.numbers["shrink"]["hidden.weight"], 3) == 0.1


def test_nothing_moves(training):
    (found,) = findings(training(lambda weights: AdamW(weights, 0.001, weight_decay=1e-6)))
    assert found.severity is Severity.WARNING
    assert found.numbers["weight_decay"] == {"hidden.weight": 1e-6, "out.weight": 1e-6}


def test_ordinary_strengths(training):
    assert not findings(training(penalty=l2(1e-3)))
    assert not findings(training(lambda weights: AdamW(weights, 0.001, weight_decay=0.01)))
    assert not findings(training(lambda weights: SGD(weights, 0.1, momentum=0.9, weight_decay=5e-4)))
    assert not findings(training())


def test_in_a_run(observe, linear, own_run, ledger, entry):
    heavy = entry(penalty_gradient=20.0, strength=10.0, parts={"penalty": Part(0.2, 0.5, 0.1)})
    idle = entry("last.weight", declared=1e-6)
    (found,) = StrengthOutOfRange().look(observe(linear, ledger=ledger(heavy, idle), run=own_run()))
    assert found.severity is Severity.ERROR
    assert found.numbers["gradient_ratio"] == 20.0
    assert list(StrengthOutOfRange().look(observe(linear, ledger=ledger(idle), run=own_run()))) == []
    (found,) = StrengthOutOfRange().look(observe(linear, ledger=ledger(idle)))  # a search may choose so, a user not
    assert found.numbers == {"weight_decay": {"last.weight": 1e-6}}
