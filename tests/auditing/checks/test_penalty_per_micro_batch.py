"""A penalty in full beside a divided loss."""

import pytest
from torch.nn.functional import cross_entropy

from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "penalty_per_micro_batch"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def l2(strength, weights=lambda model: [model.hidden.weight, model.out.weight]):
    return lambda model: 0.5 * strength * sum(weight.square().sum() for weight in weights(model))


def test_counted_in_each_micro_batch(training):
    (found,) = findings(training(penalty=l2(0.03), micro=4))
    assert found.severity is Severity.WARNING
    assert found.numbers["passes"] == 4
    assert round(found.numbers["strengths"]["hidden.weight"], 4) == 0.12


def test_l1_and_an_unknown_penalty_count_too(training):
    (found,) = findings(training(penalty=lambda model: 0.02 * model.hidden.weight.abs().sum(), micro=4))
    assert found.numbers["strengths"] == {"hidden.weight": pytest.approx(0.08, rel=1e-4)}
    (found,) = findings(training(penalty=lambda model: 0.02 * model.hidden.weight.pow(4).sum(), micro=4))
    assert found.numbers["strengths"] == {}


def test_added_in_one_of_them(training):
    case = training()
    penalty = l2(0.03)

    def step():
        case.optimizer.zero_grad()
        for number, (words, targets) in enumerate(zip(case.words.chunk(4), case.targets.chunk(4), strict=True)):
            loss = cross_entropy(case.model(words), targets) / 4
            (loss + penalty(case.model) if number == 3 else loss).backward()
        case.optimizer.step()

    case.step = step
    assert not findings(case)


def test_divided_with_the_loss(training):
    case = training(penalty=l2(0.03), micro=4)
    penalty = l2(0.03)

    def step():
        case.optimizer.zero_grad()
        for words, targets in zip(case.words.chunk(4), case.targets.chunk(4), strict=True):
            ((cross_entropy(case.model(words), targets) + penalty(case.model)) / 4).backward()
        case.optimizer.step()

    case.step = step
    assert not findings(case)
    assert not findings(training(penalty=lambda model: l2(0.03)(model) / 4, micro=4))
    assert not findings(training(penalty=l2(0.03)))
    assert not findings(training(micro=4))
