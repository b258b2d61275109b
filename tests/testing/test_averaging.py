"""Averages that are wrong, each in one way. The laws reject each by the law that it breaks."""

from dataclasses import dataclass
from typing import Annotated, final

import pytest

from bridle.core import Averaging, Range
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Rate = Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.1, 0.5))]


@dataclass(frozen=True)
class SoundAverage(Averaging):
    """A moving average, to be spoilt."""

    rate: Rate

    def start(self, weights):
        return {name: weight.clone() for name, weight in weights.items()}

    def update(self, state, weights):
        return {name: state[name] + (1 - self.rate) * (weight - state[name]) for name, weight in weights.items()}

    def average(self, state):
        return dict(state)


@final
@dataclass(frozen=True)
class SharedAverage(SoundAverage):
    """Its state is the weights themselves."""

    def start(self, weights):
        return dict(weights)

    def update(self, state, weights):
        return dict(weights)

    def average(self, state):
        return dict(state)


@final
@dataclass(frozen=True)
class Overshooting(SoundAverage):
    """Its average moves beyond the weights."""

    def start(self, weights):
        return {name: weight.clone() for name, weight in weights.items()}

    def update(self, state, weights):
        return {name: state[name] + (1 + self.rate) * (weight - state[name]) for name, weight in weights.items()}

    def average(self, state):
        return dict(state)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (SharedAverage, "'average shares no memory': an input was changed in place"),
        (Overshooting, "'average lies among the weights': the average of .* lies outside the values it has had"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [SoundAverage])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for kind in cls.__mro__[1:2]:
            for law in LAWS[kind]:
                check_law(law, instance)
