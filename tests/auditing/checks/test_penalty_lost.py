"""A penalty that unscaling or clipping takes away."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "penalty_lost"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def l2(strength, weights=lambda model: [model.hidden.weight, model.out.weight]):
    return lambda model: 0.5 * strength * sum(weight.square().sum() for weight in weights(model))


def scaled(case, *, penalty_scaled=True, clip=None, unscale=True, extra=None):
    """The case's step under a gradient scaler."""
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    def step():
        case.optimizer.zero_grad()
        loss, penalty = cross_entropy(case.model(case.words), case.targets), (extra or l2(0.03))(case.model)
        (scaler.scale(loss + penalty) if penalty_scaled else scaler.scale(loss) + penalty).backward()
        if unscale:
            scaler.unscale_(case.optimizer)
        if clip is not None:
            nn.utils.clip_grad_norm_(case.model.parameters(), clip)
        scaler.step(case.optimizer)
        scaler.update()

    case.step = step
    return case


def test_a_penalty_that_is_not_scaled(training):
    (found,) = findings(scaled(training(), penalty_scaled=False))
    assert found.severity is Severity.ERROR
    assert found.numbers["scale"] == 1024.0
    assert found.numbers["strength"] == pytest.approx(0.03 / 1024, rel=1e-3)


def test_other_penalties_that_are_not_scaled(training):
    def lasso(model):
        return 0.5 * model.hidden.weight.abs().sum()

    def powers(model):
        return 50.0 * model.hidden.weight.pow(4).sum()

    (found,) = findings(scaled(training(), penalty_scaled=False, extra=lasso))
    assert found.numbers["strength"] == pytest.approx(0.5 / 1024, rel=1e-3)
    (found,) = findings(scaled(training(), penalty_scaled=False, extra=powers))
    assert found.numbers["strength"] == 0.0
    assert "its strength on hidden.weight is as much too small" in found.message


def test_clipped_before_unscaling(training):
    (found,) = findings(scaled(training(), clip=1.0, unscale=False))
    assert "Call scaler.unscale_(optimizer) before clipping." in found.message


def test_clipped_with_the_data(training):
    (found,) = findings(training(penalty=l2(0.03), clip=0.01))
    assert found.severity is Severity.WARNING
    assert found.numbers["clip"]["hidden.weight"] < 0.2
    assert "of 0.03 in this step" in found.message


def test_scaled_and_clipped_as_it_should_be(training):
    assert not findings(scaled(training(), clip=100.0))
    assert not findings(scaled(training()))
    assert not findings(training(clip=0.01))
