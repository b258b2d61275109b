"""A strength that is too large or too small."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

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
    assert found.numbers["strengths"] == {"hidden.weight": 1e-6, "out.weight": 1e-6}


def test_a_penalty_too_small_for_its_gradient(line):
    (found,) = findings(line(lambda weights: SGD(weights, 0.1), extra=lambda weight: 1e-9 * weight.square().sum()))
    assert found.numbers["strengths"] == {"weight": pytest.approx(2e-9, rel=1e-3)}


def test_the_first_step_of_adam_goes_by_the_sign_alone(line):
    def of(optimizer, **more):
        case = line(optimizer, **more)
        case.inputs += 0.5  # so that the data has a gradient for both weights
        return findings(case)

    assert not of(lambda weights: Adam(weights, 0.01), extra=lambda weight: 0.01 * weight.square().sum())
    assert not of(lambda weights: Adam(weights, 0.01, weight_decay=0.02))
    assert of(lambda weights: AdamW(weights, 0.01, weight_decay=1e-7))


def test_coarse_numbers_lose_a_usual_decay():
    model, inputs = nn.Linear(4, 3, dtype=torch.bfloat16), torch.ones(8, 4, dtype=torch.bfloat16)
    optimizer = AdamW(model.parameters(), 0.01, weight_decay=0.01)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), torch.arange(8) % 3).backward()
        optimizer.step()

    (found,) = findings(SimpleNamespace(model=model, optimizer=optimizer, step=step))
    assert found.numbers["strengths"] == {"weight": 0.01}


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
    assert found.numbers == {"strengths": {"last.weight": 1e-6}}
