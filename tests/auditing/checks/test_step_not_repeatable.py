"""A step that draws another batch each time."""

import torch

from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "step_not_repeatable"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def test_new_numbers_in_each_run(training):
    case = training()
    clock = iter(torch.linspace(1.0, 9.0, 200))
    inner = case.step

    def step():
        case.optimizer.param_groups[0]["lr"] = 0.1 * float(next(clock))
        inner()

    case.step = step
    (found,) = findings(case)
    assert found.severity is Severity.INFO
    assert found.numbers["noise"] > 0.01


def test_the_same_in_each_run(training):
    assert not findings(training())
