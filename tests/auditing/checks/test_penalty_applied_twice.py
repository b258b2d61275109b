"""L2 in the loss and in the optimizer."""

import pytest
from torch.optim import SGD, AdamW

import bridle
from bridle.auditing.audit import audit
from bridle.records import Severity

NAME = "penalty_applied_twice"


def findings(case, **more):
    found = audit(case.model, case.optimizer, case.step, **more).findings
    return [finding for finding in found if finding.name == NAME]


def l2(strength, weights=lambda model: [model.hidden.weight, model.out.weight]):
    return lambda model: 0.5 * strength * sum(weight.square().sum() for weight in weights(model))


def decaying(weights):
    return SGD(weights, 0.1, weight_decay=0.02)


def test_loss_and_optimizer(training):
    (found,) = findings(training(decaying, penalty=l2(0.03)))
    assert found.severity is Severity.WARNING
    assert set(found.numbers["weights"]) == {"hidden.weight", "out.weight"}
    places = found.numbers["weights"]["hidden.weight"]
    assert places == {"loss": pytest.approx(0.03, rel=1e-4), "optimizer": pytest.approx(0.02)}
    assert "together 0.05 on hidden.weight" in found.message


def test_loss_and_decoupled_decay(training):
    (found,) = findings(training(lambda weights: AdamW(weights, 0.01, weight_decay=0.1), penalty=l2(0.03)))
    assert set(found.numbers["weights"]["out.weight"]) == {"loss", "decay"}


@pytest.mark.filterwarnings("ignore:.*decays by itself")
def test_recipe_and_optimizer(training):
    case = training(decaying)
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L2(0.01)))
    (found,) = findings(case)
    assert set(found.numbers["weights"]["hidden.weight"]) == {"bridle", "optimizer"}


def test_l2_beside_l1_in_the_loss_and_again_in_the_optimizer(training):
    def elastic(model):
        return l2(0.03)(model) + 0.01 * model.hidden.weight.abs().sum()

    (found,) = findings(training(decaying, penalty=elastic))
    assert found.numbers["weights"]["hidden.weight"]["loss"] == pytest.approx(0.03, rel=1e-4)


def test_one_place(training):
    assert not findings(training(decaying))
    assert not findings(training(penalty=l2(0.03)))
    assert not findings(training(decaying, penalty=lambda model: 0.01 * model.hidden.weight.abs().sum()))  # L1 and L2
    assert not findings(training(decaying, penalty=lambda model: 0.01 * model.hidden.weight.norm(dim=1).sum()))
