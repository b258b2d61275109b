"""Instances are derived from the declarations."""

from dataclasses import dataclass
from typing import Annotated, final

import pytest

from bridle.core import Range, TargetRule
from bridle.regularizers.augment import Crop, Rotation
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.testing import BrokenLaw, instances
from bridle.testing.instances import levels


class Rule(TargetRule):
    def apply(self, targets):
        return targets


@final
@dataclass(frozen=True)
class NoRange(Rule):
    rate: Annotated[float, Range(0.0, 1.0)]


@final
@dataclass(frozen=True)
class NoDial(Rule):
    table: dict[str, float]


@final
@dataclass(frozen=True)
class NeverRight(Rule):
    rate: Annotated[float, Range(0.0, 0.5, search=(0.6, 0.9))]


def test_dials_take_their_low_middle_and_high():
    assert sorted(instance.strength for instance in instances(L2)) == pytest.approx([1e-6, 1e-4, 1e-2])
    assert levels(Range(0.0, search=(1e-6, 1e-2), log=True)) == (1e-6, pytest.approx(1e-4), 1e-2)
    assert levels(Range(0, integer=True, search=(1, 4))) == (1, 2, 4)


def test_words_are_all_tried():
    assert {instance.fill for instance in instances(Rotation)} == {"zeros", "border", "reflection"}
    assert {instance.padding for instance in instances(Crop)} == {1, 2, 4}


def test_alternatives_are_tried_in_turn():
    made = instances(Dropout)
    assert any(instance.k is None for instance in made)
    assert any(instance.rate is None for instance in made)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (NoRange, r"NoRange.rate declares no search range: write Range\(\.\.\., search=\(low, high\)\)"),
        (NoDial, "NoDial needs values for table, which no search range gives"),
        (NeverRight, "NeverRight takes no combination of values from its dials' search ranges"),
    ],
)
def test_what_cannot_be_derived_is_said(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        instances(cls)


@final
@dataclass(frozen=True)
class Tried(Rule):
    table: str
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 0.4))]
    trial = {"table": "one"}


def test_a_setting_that_is_no_dial_takes_the_value_of_the_trial():
    found = instances(Tried)
    assert {item.table for item in found} == {"one"}
    assert sorted(item.rate for item in found) == pytest.approx([0.2, 0.3, 0.4])
