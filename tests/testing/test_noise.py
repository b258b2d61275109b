"""Noise that is wrong, each in one way. The laws reject each by the law that it breaks."""

from dataclasses import dataclass
from typing import Annotated, final

import pytest
import torch

from bridle.core import Noise, Range, Scope
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Rate = Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.1, 0.5))]


@dataclass(frozen=True)
class SoundNoise(Noise):
    """Dropout, to be spoilt."""

    rate: Rate
    scope: Scope = "all"

    def apply(self, x, uniforms):
        return x * (uniforms >= self.rate) / (1 - self.rate)


@final
@dataclass(frozen=True)
class WrongMean(SoundNoise):
    """It forgets to scale up what stays."""

    def apply(self, x, uniforms):
        return x * (uniforms >= self.rate)


@final
@dataclass(frozen=True)
class InPlaceNoise(SoundNoise):
    """It zeroes the activations themselves."""

    def apply(self, x, uniforms):
        return x.mul_(uniforms >= self.rate).div_(1 - self.rate)


@final
@dataclass(frozen=True)
class GlobalNoise(SoundNoise):
    """It draws from torch's global generator."""

    def apply(self, x, uniforms):
        return super().apply(x, torch.rand_like(uniforms))


@final
@dataclass(frozen=True)
class NoNoise(SoundNoise):
    """It does nothing."""

    def apply(self, x, uniforms):
        return x + 0 * self.rate


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (WrongMean, r"'noise has the right mean': the mean is \d+\.\d standard errors away"),
        (InPlaceNoise, "'noise is a function of its uniforms': an input was changed in place"),
        (GlobalNoise, "'noise is a function of its uniforms': the same uniforms must give the same noise"),
        (GlobalNoise, "'noise has the right mean': it draws from torch's global generator"),
        (NoNoise, "'each seed has its own noise': the noise changes nothing"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [SoundNoise])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for kind in cls.__mro__[1:2]:
            for law in LAWS[kind]:
                check_law(law, instance)
