"""What every regularizer shares: its name, its dials at the door, schedules, and binding."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal, final

import pytest
import torch

from bridle.core import Penalty, Range, Scope, TargetRule, between, schedule
from bridle.errors import BridleError, DialError, RecipeError, ScopeError


@final
@dataclass(frozen=True)
class Pull(Penalty):
    strength: Annotated[float, Range(0.0)]
    power: Annotated[float | None, Range(1.0)] = None
    form: Literal["mean", "sum"] = "sum"
    scope: Scope = "matrices"

    def value(self, weights):
        return self.strength * torch.stack([weight.sum() for weight in weights]).sum()

    def gradient(self, weights):
        return [self.strength * torch.ones_like(weight) for weight in weights]


def test_the_name_is_that_of_the_file():
    assert Pull.name() == "test_kinds"
    assert Pull(1.0).key == "test_kinds"
    assert Pull(1.0, label="mine").key == "mine"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"strength": -1}, DialError, r"Pull.strength must lie in \[0, inf\); got -1"),
        ({"strength": None}, DialError, r"Pull.strength must be a number in \[0, inf\); got None"),
        ({"strength": 1, "power": 0.5}, DialError, r"Pull.power must lie in \[1, inf\); got 0.5"),
        ({"strength": 1, "form": "max"}, RecipeError, r"Pull.form must be one of mean, sum; got 'max'"),
        ({"strength": 1, "scope": "matrix"}, ScopeError, r"Pull.scope must be one of .* Did you mean 'matrices'"),
        ({"strength": 1, "label": 3}, RecipeError, r"Pull takes a text as label and true or false as optional; got 3"),
        ({"strength": 1, "optional": "yes"}, RecipeError, r"true or false as optional; got '' and 'yes'"),
    ],
)
def test_everything_is_checked_at_the_door(arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        Pull(**arguments)
    assert isinstance(raised.value, BridleError)


def test_a_dial_that_may_be_absent_may_be_absent():
    assert Pull(1, power=None).power is None


def test_a_regularizer_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Pull(1.0).strength = 2.0


def test_free_dials_are_listed():
    assert Pull(between(0, 1), power=2).free() == {"strength": between(0, 1)}


def test_at_takes_every_schedule_at_its_value():
    moving = Pull(schedule(0.0, 1.0), power=schedule(1.0, 3.0))
    half = moving.at(0.5)
    assert (half.strength, half.power) == (0.5, 2.0)
    assert moving.strength == schedule(0.0, 1.0)
    fixed = Pull(1.0)
    assert fixed.at(0.5) is fixed


def test_bind_copies_and_takes_tensors():
    pull = Pull(1.0)
    strength = torch.tensor(2.0)
    bound = pull.bind({"strength": strength})
    assert bound.strength is strength
    assert pull.strength == 1.0
    assert bound.form == pull.form


def test_an_abstract_kind_is_not_built():
    with pytest.raises(TypeError, match="abstract"):
        TargetRule()
