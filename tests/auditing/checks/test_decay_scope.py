"""Decay on biases, norm scales and embeddings."""

import pytest
import torch
from torch.optim import SGD, AdamW

from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "decay_scope"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def scoped(weights):
    return AdamW(weights, 0.01, weight_decay=0.1)


@pytest.mark.parametrize("make", [AdamW, SGD], ids=["decoupled", "coupled"])
def test_every_parameter_decays(training, make):
    case = training(lambda weights: make(weights, 0.1, weight_decay=0.1))
    with torch.no_grad():
        case.model.out.bias.zero_()
    (found,) = findings(case)
    assert found.severity is Severity.WARNING
    assert set(found.numbers["strengths"]) == {
        "words.weight",
        "hidden.bias",
        "norm.weight",
        "norm.bias",
        "out.bias",
    }
    assert found.numbers["strengths"]["hidden.bias"] == pytest.approx(0.1, rel=0.01)
    assert "3 biases, 1 norms, 1 embeddings" in found.message


def test_a_bias_that_the_model_does_not_use_is_not_counted(training):
    case = training(scoped)
    case.model.extra = torch.nn.LayerNorm(4)
    case.optimizer.add_param_group({"params": list(case.model.extra.parameters()), "weight_decay": 0.1})
    assert not findings(case)


def test_matrices_decay(training):
    assert not findings(training(scoped))
    assert not findings(training())
