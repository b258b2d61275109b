"""Strengths that come out right whatever acts beside them; what is neither L2 nor L1 is said to be unknown."""

import math

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

import bridle
from bridle.auditing.audit import audit

L2, L1 = 0.01, 0.001


def entries(case):
    return {entry.name: entry for entry in audit(case.model, case.optimizer, case.step).ledger.entries}


def both(model):
    weight = model.hidden.weight
    return 0.5 * L2 * weight.square().sum() + L1 * weight.abs().sum()


def lasso(model):
    return L1 * model.hidden.weight.abs().sum()


def ridge(model):
    return 0.5 * L2 * model.hidden.weight.square().sum()


def test_elastic_net_in_the_loss(training):
    case = training(penalty=both)
    hidden = entries(case)["hidden.weight"]
    assert hidden.penalty == "L2 and L1"
    assert hidden.strength == pytest.approx(L2, rel=1e-4)
    assert hidden.l1_strength == pytest.approx(L1, rel=1e-4)
    assert hidden.sources == {"loss": pytest.approx(L2, rel=1e-4)}
    assert hidden.l1_sources == {"loss": pytest.approx(L1, rel=1e-4)}
    weight = case.model.hidden.weight.detach()
    gradient = L2 * weight + L1 * weight.sign()
    assert hidden.penalty_gradient == pytest.approx(float(gradient.norm()), rel=1e-4)
    assert hidden.parts["penalty"].size == pytest.approx(0.1 * float(gradient.norm()), rel=1e-3)


@pytest.mark.parametrize("make", [SGD, Adam], ids=lambda make: make.__name__)
def test_l2_in_the_optimizer_and_l1_in_the_loss(training, make):
    hidden = entries(training(lambda weights: make(weights, 0.01, weight_decay=L2), penalty=lasso))["hidden.weight"]
    assert hidden.penalty == "L2 and L1"
    assert (hidden.strength, hidden.l1_strength) == (pytest.approx(L2, rel=1e-4), pytest.approx(L1, rel=1e-4))
    assert (hidden.sources, hidden.l1_sources) == (
        {"optimizer": pytest.approx(L2)},
        {"loss": pytest.approx(L1, rel=1e-4)},
    )


def test_l2_in_the_loss_and_decoupled_decay(training):
    hidden = entries(training(lambda weights: AdamW(weights, 0.01, weight_decay=0.2), penalty=ridge))["hidden.weight"]
    assert hidden.strength == pytest.approx(L2, rel=1e-4)
    assert hidden.decay == pytest.approx(0.2, rel=1e-3)
    assert hidden.l1_strength == 0.0
    assert hidden.parts["decay"].size == pytest.approx(0.01 * 0.2 * hidden.size, rel=1e-3)


def test_clipping_takes_its_share_of_the_loss_and_leaves_the_optimizers_own(training):
    hidden = entries(training(lambda weights: SGD(weights, 0.1, weight_decay=0.02), penalty=both, clip=0.05))[
        "hidden.weight"
    ]
    assert hidden.clip < 0.5
    assert hidden.strength == pytest.approx(0.02 + L2 * hidden.clip, rel=1e-3)
    assert hidden.l1_strength == pytest.approx(L1 * hidden.clip, rel=1e-3)
    assert hidden.sources == {"loss": pytest.approx(L2, rel=1e-4), "optimizer": pytest.approx(0.02)}


def test_both_of_a_recipe_and_by_hand(training):
    def spoil(model):
        weight = model.out.weight
        weight.grad.add_(weight.detach(), alpha=L2).add_(weight.detach().sign(), alpha=L1)

    case = training(spoil=spoil)
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L2(0.03, scope={"names": "hidden.weight"})))
    found = entries(case)
    assert found["hidden.weight"].sources == {"bridle": pytest.approx(0.03, rel=1e-4)}
    assert found["out.weight"].sources == {"by hand": pytest.approx(L2, rel=1e-3)}
    assert found["out.weight"].l1_sources == {"by hand": pytest.approx(L1, rel=1e-3)}


def orthogonal(model):
    weight = model.hidden.weight
    return 0.01 * (weight.T @ weight - torch.eye(6)).square().sum()


OTHERS = {
    "group lasso": lambda model: 0.01 * model.hidden.weight.norm(dim=1).sum(),
    "orthogonality": orthogonal,
    "fourth powers": lambda model: 0.01 * model.hidden.weight.pow(4).sum(),
    "distance to ones": lambda model: 0.01 * (model.hidden.weight - 1).square().sum(),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("start", ["random", "orthogonal"])
def test_another_penalty_has_an_unknown_strength_and_its_share(training, name, start):
    case = training(penalty=OTHERS[name])
    if start == "orthogonal":  # here the gradients of the first two are multiples of the weights
        nn.init.orthogonal_(case.model.hidden.weight, gain=2.0, generator=torch.Generator().manual_seed(0))
    found = audit(case.model, case.optimizer, case.step)
    hidden = {entry.name: entry for entry in found.ledger.entries}["hidden.weight"]
    assert hidden.penalty == "unknown"
    assert math.isnan(hidden.strength)
    assert math.isnan(hidden.l1_strength)
    assert set(hidden.sources) == {"loss"}
    assert math.isnan(hidden.sources["loss"])
    (slope,) = torch.autograd.grad(OTHERS[name](case.model), case.model.hidden.weight)
    assert hidden.penalty_gradient == pytest.approx(float(slope.norm()), rel=1e-4)
    assert hidden.parts["penalty"].size == pytest.approx(0.1 * float(slope.norm()), rel=1e-3)
    (note,) = [note for note in found.ledger.notes if "strength is unknown" in note]
    assert note.startswith("The penalty on hidden.weight is neither L2 nor L1")


def test_beside_an_unknown_penalty_the_optimizers_own_is_known(training):
    case = training(lambda weights: SGD(weights, 0.1, weight_decay=L2), penalty=OTHERS["group lasso"])
    hidden = entries(case)["hidden.weight"]
    assert hidden.penalty == "unknown"
    assert math.isnan(hidden.strength)
    assert hidden.sources["optimizer"] == pytest.approx(L2)
    assert entries(case)["out.weight"].strength == pytest.approx(L2)


def test_weights_of_one_size_and_single_numbers(training):
    def penalty(model):
        return 0.5 * L2 * model.norm.weight.square().sum() + L1 * model.scale.abs()

    case = training(penalty=penalty)
    case.model.scale = nn.Parameter(torch.tensor(2.0))
    case.optimizer.add_param_group({"params": [case.model.scale]})
    found = entries(case)
    assert (found["norm.weight"].penalty, found["scale"].penalty) == ("L2", "L1")
    assert found["norm.weight"].strength == pytest.approx(L2, rel=1e-4)
    assert found["scale"].l1_strength == pytest.approx(L1, rel=1e-4)


def test_weights_that_are_all_zero(training):
    def penalty(model):
        return 0.5 * L2 * model.hidden.bias.square().sum() + L1 * model.hidden.bias.abs().sum()

    case = training(penalty=penalty)
    with torch.no_grad():
        case.model.hidden.bias.zero_()
    bias = entries(case)["hidden.bias"]
    assert (bias.strength, bias.l1_strength) == (pytest.approx(L2, rel=1e-4), pytest.approx(L1, rel=1e-4))
    assert bias.penalty_gradient == 0.0


def test_a_penalty_on_the_rows_of_the_batch(training):
    case = training(penalty=lambda model: 0.5 * L2 * model.words.weight[:6].square().sum())
    words = entries(case)["words.weight"]
    assert words.strength == pytest.approx(L2, rel=1e-4)
    assert words.reach == pytest.approx(6 / 30)
    assert entries(training(penalty=ridge))["hidden.weight"].reach == 1.0


def test_a_tied_weight_that_is_penalised_twice(training):
    case = training(penalty=lambda model: ridge(model) + 0.5 * L2 * model.again.weight.square().sum())
    case.model.again = nn.Linear(6, 8)
    case.model.again.weight = case.model.hidden.weight
    assert entries(case)["hidden.weight"].strength == pytest.approx(2 * L2, rel=1e-4)
