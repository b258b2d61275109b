"""Weights without a gradient from the data shrink all the same."""

import torch
from torch.optim import AdamW

from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "decay_without_gradient"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def decaying(weights):
    return AdamW(weights, 0.01, weight_decay=0.1)


def scoped(weights):
    return decaying(weights)


def test_weights_frozen_by_a_zero_gradient(training):
    case = training(scoped)
    case.model.hidden.weight.register_hook(lambda gradient: gradient * 0)
    (found,) = findings(case)
    assert found.severity is Severity.WARNING
    assert found.numbers["weights"] == ["hidden.weight"]


def test_rows_that_no_example_touched(training):
    case = training(decaying)
    (found,) = findings(case)
    assert found.numbers["rows"] == {"words.weight": 30 - len(set(case.words.flatten().tolist()))}


def test_rows_of_a_matrix_without_a_gradient_are_units_at_rest(training):
    def on_some(gradient):
        return gradient.index_fill(0, torch.arange(4), 0.0)

    case = training(scoped)
    case.model.hidden.weight.register_hook(on_some)
    assert not findings(case)


def test_an_embedding_without_any_gradient_is_told_once(training):
    case = training(decaying)
    case.model.words.weight.register_hook(lambda gradient: gradient * 0)
    (found,) = findings(case)
    assert "words.weight" in found.numbers["weights"]


def test_frozen_by_the_flag_or_out_of_scope(training):
    case = training(scoped)
    case.model.hidden.weight.requires_grad_(False)
    assert not findings(case)
    assert not findings(training(scoped))


def test_behind_weights_that_begin_at_zero(training):
    """As in low-rank adapters: the gradient comes with the second step."""
    case = training(scoped)
    with torch.no_grad():
        case.model.out.weight.zero_()
    assert not findings(case)
    case.model.out.weight.requires_grad_(False)
    assert findings(case)
