"""Rules for the targets that are wrong, each in one way. The laws reject each by the law that it breaks."""

from dataclasses import dataclass
from typing import Annotated, final

import pytest

from bridle.core import Range, TargetRule
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Rate = Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.1, 0.5))]


@dataclass(frozen=True)
class SoundTargets(TargetRule):
    """Label smoothing, to be spoilt."""

    rate: Rate

    def apply(self, targets):
        return targets * (1 - self.rate) + self.rate / targets.shape[-1]


@final
@dataclass(frozen=True)
class LeakyTargets(SoundTargets):
    """Its rows sum to less than 1."""

    def apply(self, targets):
        return targets * (1 - self.rate)


@final
@dataclass(frozen=True)
class NegativeTargets(SoundTargets):
    """It makes negative targets."""

    def apply(self, targets):
        return targets * (1 + self.rate) - self.rate / targets.shape[-1]


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (LeakyTargets, "'targets stay distributions': the rows must sum to 1"),
        (NegativeTargets, "'targets stay distributions': a target is negative"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [SoundTargets])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for kind in cls.__mro__[1:2]:
            for law in LAWS[kind]:
                check_law(law, instance)
