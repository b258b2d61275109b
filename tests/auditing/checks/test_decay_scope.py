"""Decay on biases, norm scales and embeddings."""

import pytest
import torch
from torch.optim import SGD, AdamW

from bridle.auditing.audit import audit
from bridle.auditing.checks.decay_scope import DecayScope
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


def test_in_a_run_what_a_scope_names_is_meant(observe, linear, own_run, ledger, entry):
    bias = {"kind": "biases", "penalty_gradient": 0.1, "strength": 0.1}
    held = entry("first.bias", **bias), entry("last.bias", **bias, declared=0.1)
    (found,) = DecayScope().look(observe(linear, ledger=ledger(*held), run=own_run()))
    assert found.numbers == {"strengths": {"last.bias": 0.1}}
    assert '[[regularizers]] name = "decoupled_decay", strength = 0.1, whose scope is matrices' in found.message
    assert list(DecayScope().look(observe(linear, ledger=ledger(held[0]), run=own_run()))) == []
    (found,) = DecayScope().look(observe(linear, ledger=ledger(*held)))
    assert set(found.numbers["strengths"]) == {"first.bias", "last.bias"}
