"""weight_decay under an adaptive optimizer."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, AdamW, RMSprop

from bridle.auditing.audit import audit
from bridle.auditing.checks.coupled_decay import CoupledDecay
from bridle.auditing.observed import Observed
from bridle.records import Entry, Ledger, Part, Severity

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
    assert found.numbers["spread"] > 0.5
    assert f"{make.__name__}(weight_decay=0.05) is coupled" in found.message
    assert "torch.optim.AdamW(..., weight_decay=0.05)" in found.message


def test_the_amount_is_what_the_optimizer_did(training):
    case = training(lambda weights: RMSprop(weights, 0.001, weight_decay=0.05))
    for _ in range(5):
        case.step()
    (found,) = findings(case)
    start = {name: weight.detach().clone() for name, weight in case.model.named_parameters()}
    state = {name: case.optimizer.state[weight]["square_avg"] for name, weight in case.model.named_parameters()}
    case.optimizer.zero_grad()
    cross_entropy(case.model(case.words), case.targets).backward()
    took, squares = 0.0, 0.0
    for name, weight in case.model.named_parameters():
        slope, at = weight.grad.double(), start[name].double()

        def move(gradient, name=name):
            return 0.001 * gradient / ((0.99 * state[name].double() + 0.01 * gradient.square()).sqrt() + 1e-8)

        took += float(((move(slope + 0.05 * at) - move(slope)) * at).sum())
        squares += float(at.square().sum())
    assert found.numbers["amount"] == pytest.approx(took / squares / 5e-5, rel=1e-2)


def test_decay_that_is_what_it_says(training):
    for make in (lambda weights: AdamW(weights, 0.001, weight_decay=0.05), lambda weights: SGD(weights, 0.1, 0.9)):
        assert not findings(training(make))
    assert not findings(training(lambda weights: SGD(weights, 0.1, momentum=0.9, weight_decay=0.05)))
    assert not findings(training(lambda weights: Adam(weights, 0.001)))


def entry(name, took, spread=0.0, **more):
    """A parameter of size 2 that lost ``took`` times what decoupled decay takes, with a spread within it."""
    size = 2.0 * took * 0.01 * (1.0 + spread**2) ** 0.5
    fields = {"sources": {"optimizer": 0.1}, "strength": 0.1, "declared": 0.1, "penalty": "L2", **more}
    parts = {"penalty": Part(size, 0.1, took * 0.01)}
    return Entry(name, "matrices", (4,), True, True, True, 2.0, 0.1, 0.0, 0.1, 1.0, 0.2, parts=parts, **fields)


def looked(*entries):
    observed = Observed(torch.nn.Linear(1, 1), None, None, ledger=Ledger(entries, "Adam", "coupled"))
    return list(CoupledDecay().look(observed))


def test_the_severity_is_that_of_the_measured_inequality():
    assert not looked(entry("a", 1.0), entry("b", 1.05))
    (told,) = looked(entry("a", 0.8), entry("b", 1.2))
    assert told.severity is Severity.INFO
    assert told.numbers["amount"] == pytest.approx(1.0)
    assert told.numbers["spread"] == pytest.approx(0.2)
    assert (told.numbers["least"], told.numbers["most"]) == ({"a": pytest.approx(0.8)}, {"b": pytest.approx(1.2)})
    assert looked(entry("a", 0.1), entry("b", 1.9))[0].severity is Severity.WARNING
    assert looked(entry("a", 1.0, spread=0.6))[0].severity is Severity.WARNING
    assert looked(entry("a", 4.0, spread=0.2))[0].severity is Severity.WARNING
    assert looked(entry("a", 0.3, spread=0.2))[0].severity is Severity.WARNING


def test_a_decay_that_takes_nothing_is_told():
    (told,) = looked(entry("a", -1.0))
    assert told.numbers["spread"] == float("inf")
    assert told.severity is Severity.WARNING


def test_other_penalties_beside_it_are_not_its_own():
    assert not looked(entry("a", 4.0, 1.0, l1_sources={"loss": 0.1}))
    assert not looked(entry("a", 4.0, 1.0, sources={"optimizer": 0.1, "loss": 0.1}))
