"""Update rules that are wrong, each in one way. The laws reject each by the law that it breaks."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import pytest
import torch

from bridle.core import Range, Scope, UpdateRule
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Strength = Annotated[float, Range(0.0, search=(0.1, 0.5))]


@dataclass(frozen=True)
class SoundRule(UpdateRule):
    """Decoupled decay, to be spoilt."""

    strength: Strength
    scope: Scope = "matrices"

    def around(self, weights, update):
        for weight, rate in zip(weights, update.rates, strict=True):
            weight.mul_(1 - rate * self.strength)
        yield


@dataclass(frozen=True)
class SoundNoisy(UpdateRule):
    """Uniform noise on the gradient, to be spoilt."""

    strength: Strength
    scope: Scope = "matrices"

    def around(self, weights, update):
        for place, weight in enumerate(weights):
            weight.grad += self.strength * update.draws.uniform(f"{self.key}{place}", weight.shape, weight)
        yield


@final
@dataclass(frozen=True)
class Never(SoundRule):
    """It never yields, so that the optimizer would not step."""

    def around(self, weights, update):
        yield from ()


@final
@dataclass(frozen=True)
class Twice(SoundRule):
    """It yields twice."""

    def around(self, weights, update):
        yield from super().around(weights, update)
        yield


@final
@dataclass(frozen=True)
class Silent(SoundRule):
    """It takes the gradient anew without saying so."""

    def around(self, weights, update):
        update.gradient_at()
        yield from super().around(weights, update)


@final
@dataclass(frozen=True)
class Promises(SoundRule):
    """It says that it takes the gradient anew, and does not."""

    recomputes: ClassVar[bool] = True


@final
@dataclass(frozen=True)
class TooLate(SoundRule):
    """It takes the gradient anew after the step."""

    recomputes: ClassVar[bool] = True

    def around(self, weights, update):
        update.gradient_at()
        yield from super().around(weights, update)
        update.gradient_at()


@final
@dataclass(frozen=True)
class Widens(SoundNoisy):
    """It gives a gradient of another type."""

    def around(self, weights, update):
        for weight in weights:
            weight.data = weight.double() * (1 - self.strength)
            weight.grad = None
            weight.grad = torch.zeros_like(weight)
        yield


@final
@dataclass(frozen=True)
class NanAtRest(SoundRule):
    """It divides by the length of the weights."""

    def around(self, weights, update):
        yield
        for weight in weights:
            weight.mul_(1 - self.strength / weight.norm())


@final
@dataclass(frozen=True)
class Idle(SoundRule):
    """It changes nothing."""

    def around(self, weights, update):
        yield


@final
@dataclass(frozen=True)
class AlwaysOnRule(SoundRule):
    """Zero strength leaves something."""

    def around(self, weights, update):
        for weight in weights:
            weight.mul_(1 - (self.strength + 1e-9))
        yield


@final
@dataclass(frozen=True)
class SameEveryStep(SoundNoisy):
    """It draws the same at every step."""

    def around(self, weights, update):
        draws = type(update.draws)(update.draws.seed, update.draws.fold, 0)
        yield from super().around(weights, type(update)(update.names, update.rates, draws, update.gradient_at))


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Never, "'rule yields once': a rule must yield exactly once, where the optimizer steps; it did 0 times"),
        (Twice, "'rule yields once': a rule must yield exactly once, where the optimizer steps; it did 2 times"),
        (Silent, "'rule yields once': it says recomputes = False, but calls 1"),
        (Promises, "'rule yields once': it says recomputes = True, but calls 0"),
        (TooLate, "'rule yields once': it takes the gradient anew after the step"),
        (Widens, "'rule keeps the form': a weight must stay like itself: dtype must be torch.float32"),
        (NanAtRest, "'rule keeps the form': a weight is not finite"),
        (Idle, "'rule does something': the rule changes nothing"),
        (AlwaysOnRule, "'rule does something': a rule of size zero must leave the step"),
        (SameEveryStep, "'rule draws are its own': it draws, but the draws do not depend on the step"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [SoundRule, SoundNoisy])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for law in LAWS[UpdateRule]:
            check_law(law, instance)
