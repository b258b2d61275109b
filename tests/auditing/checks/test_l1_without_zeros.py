"""L1 by its gradient alone."""

import pytest

import bridle
from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "l1_without_zeros"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def test_l1_in_the_loss(training):
    (found,) = findings(training(penalty=lambda model: 0.02 * model.hidden.weight.abs().sum()))
    assert found.severity is Severity.WARNING
    assert found.numbers["strengths"] == {"hidden.weight": pytest.approx(0.02, rel=1e-4)}
    assert found.numbers["zeros"] == {"hidden.weight": 0.0}


def test_an_elastic_net_has_l1_in_it(training):
    def penalty(model):
        return 0.02 * model.hidden.weight.abs().sum() + 0.1 * model.hidden.weight.square().sum()

    (found,) = findings(training(penalty=penalty))
    assert found.numbers["strengths"] == {"hidden.weight": pytest.approx(0.02, rel=1e-4)}


def test_an_exact_step_and_l2(training):
    case = training()
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L1(0.02)))
    assert not findings(case)
    case = training(penalty=lambda model: 0.02 * model.hidden.weight.abs().sum())
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L1(0.02)))
    assert not findings(case)  # a proximal step follows
    assert not findings(training(penalty=lambda model: 0.02 * model.hidden.weight.square().sum()))
    assert not findings(training(penalty=lambda model: 0.02 * model.hidden.weight.norm(dim=1).sum()))
