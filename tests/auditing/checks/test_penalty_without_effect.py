"""A penalty in the loss's value only, or on weights that nothing uses."""

import pytest
import torch
from torch import nn

from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "penalty_without_effect"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def l2(strength, weights=lambda model: [model.hidden.weight, model.out.weight]):
    return lambda model: 0.5 * strength * sum(weight.square().sum() for weight in weights(model))


CASES = {
    "data": lambda model: 0.01 * sum(weight.data.square().sum() for weight in model.parameters()),
    "state_dict": lambda model: 0.01 * sum(weight.abs().sum() for weight in model.state_dict().values()),
    "item": lambda model: 0.01 * model.hidden.weight.square().sum().item(),
}


@pytest.mark.parametrize("name", CASES)
def test_a_value_without_a_gradient(training, name):
    (found,) = findings(training(penalty=CASES[name]))
    assert found.severity is Severity.ERROR
    assert found.numbers["without_gradient"] > 0.9
    assert "hidden.weight" in found.numbers["weights"]
    assert "It is computed from .data" in found.message


def test_frozen_weights(training):
    case = training(penalty=l2(0.01, lambda model: [model.hidden.weight]))
    case.model.hidden.weight.requires_grad_(False)
    (found,) = findings(case)
    assert found.numbers["weights"] == ["hidden.weight"]
    assert "These weights are frozen" in found.message


def test_a_weight_that_the_model_never_uses(training):
    case = training(penalty=lambda model: 0.005 * model.extra.square().sum())
    case.model.extra = nn.Parameter(torch.ones(4))
    case.optimizer.add_param_group({"params": [case.model.extra]})
    (found,) = findings(case)
    assert found.severity is Severity.WARNING
    assert found.numbers["weights"]["extra"] == pytest.approx(0.01, rel=1e-4)


def test_penalties_with_a_gradient(training):
    assert not findings(training(penalty=l2(0.01)))
    assert not findings(training(penalty=lambda model: 0.01 * model.hidden.weight.abs().sum()))
    assert not findings(training())


def test_a_penalty_on_activations_is_no_such_case(training):
    with_activations = training(penalty=lambda model: 0.1 * model.seen.pop().square().mean())
    with_activations.model.seen = []
    with_activations.model.norm.register_forward_hook(lambda _, __, output: with_activations.model.seen.append(output))
    assert not findings(with_activations)
