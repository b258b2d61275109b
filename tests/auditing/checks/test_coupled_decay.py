"""weight_decay under an adaptive optimizer."""

import pytest
from torch.optim import SGD, Adam, AdamW, RMSprop

from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "coupled_decay"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


@pytest.mark.parametrize("make", [Adam, RMSprop])
def test_coupled_and_rescaled(training, make):
    case = training(lambda weights: make(weights, 0.001, weight_decay=0.05))
    for _ in range(5):
        case.step()
    (found,) = findings(case)
    assert found.severity is Severity.WARNING
    assert found.numbers["canonical_strength"] == pytest.approx(0.05, rel=1e-4)
    assert found.numbers["decoupled_shrink"] == pytest.approx(5e-5)
    assert f"{make.__name__}(weight_decay=0.05) is coupled" in found.message


def test_decay_that_is_what_it_says(training):
    for make in (lambda weights: AdamW(weights, 0.001, weight_decay=0.05), lambda weights: SGD(weights, 0.1, 0.9)):
        assert not findings(training(make))
    assert not findings(training(lambda weights: SGD(weights, 0.1, momentum=0.9, weight_decay=0.05)))
    assert not findings(training(lambda weights: Adam(weights, 0.001)))
