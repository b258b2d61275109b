"""Update rules around an optimizer's step."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import pytest
import torch
from torch import nn
from torch.optim import SGD

from bridle.core import Draws, Range, Recipe, Scope, UpdateRule, schedule
from bridle.engine.updates import Updates
from bridle.errors import RecipeError, ScopeError
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.updates import SAM, DecoupledDecay, GradientNoise, MaxNorm, SpectralStep

DRAWS = Draws(0, 0, 0)
LOG = []


@final
@dataclass(frozen=True)
class Told(UpdateRule):
    """It tells when it acts, on what, and with which rates."""

    strength: Annotated[float, Range(0.0)] = 1.0
    scope: Scope = "all"

    def around(self, weights, update):
        assert not torch.is_grad_enabled()
        LOG.append(f"{self.key} before {self.strength:g} {update.rates} {len(weights)}")
        yield
        assert not torch.is_grad_enabled()
        LOG.append(f"{self.key} after")


@final
@dataclass(frozen=True)
class Again(UpdateRule):
    """It yields twice."""

    recomputes: ClassVar[bool] = True
    scope: Scope = "all"

    def around(self, weights, update):
        update.gradient_at()
        yield
        yield


@pytest.fixture
def net():
    LOG.clear()
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model(torch.ones(1, 3)).sum().backward()
    return model


def step(updates, progress=0.0):
    updates.before(DRAWS, progress, lambda: None)
    LOG.append("step")
    updates.after()


def test_rules_start_in_the_recipes_order_and_end_in_the_reverse(net):
    step(Updates(net, SGD(net.parameters(), 0.1), Recipe(Told(label="a"), Told(label="b", scope="biases"))))
    assert [entry.partition(" 1 ")[0] for entry in LOG] == ["a before", "b before", "step", "b after", "a after"]


def test_rates_are_those_of_each_weights_group_at_the_step(net):
    optimizer = SGD([{"params": net[0].parameters(), "lr": 0.5}, {"params": net[1].parameters()}], lr=0.1)
    updates = Updates(net, optimizer, Recipe(Told()))
    optimizer.load_state_dict(optimizer.state_dict())  # makes new groups
    optimizer.param_groups[1]["lr"] = 0.2
    step(updates)
    assert LOG[0] == "test_updates before 1 [0.5, 0.5, 0.2, 0.2] 4"


def test_schedules_move(net):
    updates = Updates(net, SGD(net.parameters(), 0.1), Recipe(Told(schedule(0.0, 1.0), scope="first_layer")))
    for progress in (0.0, 0.5):
        step(updates, progress)
    assert [entry for entry in LOG if "before" in entry] == [
        "test_updates before 0 [0.1] 1",
        "test_updates before 0.5 [0.1] 1",
    ]


def test_weights_without_a_gradient_are_left_alone(net):
    net[0].weight.grad = None
    before = net[0].weight.detach().clone()
    recipe = Recipe(SAM(0.1), DecoupledDecay(1.0, scope="all"), GradientNoise(1.0), MaxNorm(0.01), SpectralStep(0.1))
    optimizer = SGD(net.parameters(), 0.1)
    updates = Updates(net, optimizer, recipe)
    updates.before(DRAWS, 0.0, lambda: None)
    optimizer.step()
    updates.after()
    assert torch.equal(net[0].weight, before)
    assert net[0].weight.grad is None
    for weight in net.parameters():
        weight.grad = None
    step(updates)
    step(Updates(net, optimizer, Recipe(Told())))
    assert LOG == ["step", "step"]


def test_the_gradient_is_taken_anew_with_gradients_on(net):
    modes = []
    updates = Updates(net, SGD(net.parameters(), 0.1), Recipe(SAM(0.1)))
    assert updates.recompute
    updates.before(DRAWS, 0.0, lambda: modes.append(torch.is_grad_enabled()))
    assert modes == [True]
    assert not Updates(net, SGD(net.parameters(), 0.1), Recipe(MaxNorm(1.0))).recompute


def test_a_rule_that_does_not_end_is_an_error(net):
    updates = Updates(net, SGD(net.parameters(), 0.1), Recipe(Again()))
    updates.before(DRAWS, 0.0, lambda: None)
    with pytest.raises(AssertionError, match=r"An update rule must yield exactly once\."):
        updates.after()


def test_a_step_that_never_came_is_forgotten(net):
    updates = Updates(net, SGD(net.parameters(), 0.1), Recipe(Told()))
    updates.before(DRAWS, 0.0, lambda: None)
    step(updates)
    assert [entry.split()[1] for entry in LOG if entry != "step"] == ["before", "before", "after"]


def test_what_takes_the_gradient_anew_must_come_first(net):
    optimizer = SGD(net.parameters(), 0.1)
    message = (
        r"sam takes the gradient anew, which would undo what gradient_noise does before it\. Put sam first among the "
        r"rules of the update; there can be only one such rule\."
    )
    with pytest.raises(RecipeError, match=message):
        Updates(net, optimizer, Recipe(GradientNoise(0.1), L2(0.1), SAM(0.1)))
    with pytest.raises(RecipeError, match="second takes the gradient anew, which would undo what first does"):
        Updates(net, optimizer, Recipe(SAM(0.1, label="first"), SAM(0.1, label="second")))
    Updates(net, optimizer, Recipe(L2(0.1), SAM(0.1), GradientNoise(0.1)))


def test_a_changed_step_beside_a_proximal_penalty_is_refused(net):
    optimizer = SGD(net.parameters(), 0.1)
    message = r"spectral_step changes the step of 0\.weight, so that l1 has no exact step there\. Give them different"
    with pytest.raises(RecipeError, match=message):
        Updates(net, optimizer, Recipe(L1(0.1), SpectralStep(1.0)))
    Updates(net, optimizer, Recipe(L1(0.1, scope="first_layer"), SpectralStep(1.0, scope="last_layer"), L2(0.1)))
    Updates(net, optimizer, Recipe(L1(0.1), MaxNorm(1.0), SAM(0.1, label="x", scope="biases")).replace(without=SAM))


def test_scopes_that_match_no_weight_are_refused(net):
    with pytest.raises(ScopeError, match=r"max_norm with scope \{'names': 'tail'\} matches no weight\. The model has"):
        Updates(net, SGD(net.parameters(), 0.1), Recipe(MaxNorm(1.0, scope={"names": "tail"})))
    with pytest.raises(
        ScopeError, match=r"max_norm with scope 'first_layer' matches no weight that the optimizer moves"
    ):
        Updates(net, SGD(net[1].parameters(), 0.1), Recipe(MaxNorm(1.0, scope="first_layer")))
    updates = Updates(net, SGD(net[1].parameters(), 0.1), Recipe(MaxNorm(1.0)))
    assert updates.scopes == {"max_norm": ["1.weight"]}
