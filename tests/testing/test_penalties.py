"""Penalties that are wrong, each in one way. The laws reject each by the law that it breaks."""

from dataclasses import dataclass
from typing import Annotated, final

import pytest
import torch

from bridle.core import Penalty, Proximal, Range, Scope
from bridle.regularizers.penalties import HierarchicalLasso
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Strength = Annotated[float, Range(0.0, search=(0.1, 0.5))]


@dataclass(frozen=True)
class Sound(Penalty):
    """L2, to be spoilt."""

    strength: Strength
    scope: Scope = "matrices"

    def value(self, weights):
        return self.strength / 2 * torch.stack([weight.square().sum() for weight in weights]).sum()

    def gradient(self, weights):
        return [self.strength * weight for weight in weights]


@dataclass(frozen=True)
class SoundProx(Proximal):
    """L1, to be spoilt."""

    strength: Strength
    scope: Scope = "matrices"

    def value(self, weights):
        return self.strength * torch.stack([weight.abs().sum() for weight in weights]).sum()

    def gradient(self, weights):
        return [self.strength * weight.sign() for weight in weights]

    def prox(self, weights, steps):
        return [
            w - w.clamp(-self.strength * step, self.strength * step) for w, step in zip(weights, steps, strict=True)
        ]


@final
@dataclass(frozen=True)
class Detached(Sound):
    """Its value is computed from detached weights: no gradient would ever reach one."""

    def value(self, weights):
        return super().value([weight.detach() for weight in weights])


@final
@dataclass(frozen=True)
class Branching(Sound):
    """It branches on its strength, which breaks once strengths are tensors."""

    def gradient(self, weights):
        return super().gradient(weights) if self.strength else [weight * 0 for weight in weights]


@final
@dataclass(frozen=True)
class ReadOut(Sound):
    """It reads its strength out as a number."""

    def gradient(self, weights):
        return [float(self.strength) * weight for weight in weights]


@final
@dataclass(frozen=True)
class TwiceTheGradient(Sound):
    """Its gradient is that of another convention."""

    def gradient(self, weights):
        return [2 * self.strength * weight for weight in weights]


@final
@dataclass(frozen=True)
class OneLayerOnly(Sound):
    """It forgets all weights but the first."""

    def value(self, weights):
        return super().value(weights[:1]) + 0 * super().value(weights)

    def gradient(self, weights):
        return [self.strength * weights[0], *(weight * 0 for weight in weights[1:])]


@final
@dataclass(frozen=True)
class Negative(Sound):
    """Its value is negative."""

    def value(self, weights):
        return -super().value(weights)

    def gradient(self, weights):
        return [-self.strength * weight for weight in weights]


@final
@dataclass(frozen=True)
class Vector(Sound):
    """Its value is no scalar."""

    def value(self, weights):
        return super().value(weights).expand(1)


@final
@dataclass(frozen=True)
class InPlacePenalty(Sound):
    """Its gradient scales the weights themselves."""

    def gradient(self, weights):
        with torch.no_grad():
            return [weight.mul_(self.strength) for weight in weights]


@final
@dataclass(frozen=True)
class AddsAnother(Sound):
    """What it adds in one go is not its gradient."""

    def add_gradient(self, weights, gradients):
        torch._foreach_add_(gradients, weights, alpha=self.strength / 2)


@final
@dataclass(frozen=True)
class AlwaysOn(Sound):
    """Zero strength leaves something."""

    def value(self, weights):
        return super().value(weights) + 1e-3 * torch.stack([weight.sum() for weight in weights]).sum() ** 2


@final
@dataclass(frozen=True)
class DoublePrecision(Sound):
    """It computes in float64 whatever the weights are."""

    def gradient(self, weights):
        return [self.strength * weight.double() for weight in weights]


@final
@dataclass(frozen=True)
class NanAtZero(SoundProx):
    """Its proximal step divides by the weight: NaN at zero."""

    def prox(self, weights, steps):
        return [
            weight / weight.abs() * (weight.abs() - self.strength * step).clamp(min=0)
            for weight, step in zip(weights, steps, strict=True)
        ]


@final
@dataclass(frozen=True)
class WrongThreshold(SoundProx):
    """Its threshold is off by a tenth."""

    def prox(self, weights, steps):
        return super().prox(weights, [step * 1.1 for step in steps])


@final
@dataclass(frozen=True)
class StepForgotten(SoundProx):
    """Its threshold ignores the optimizer's step."""

    def prox(self, weights, steps):
        return super().prox(weights, [1.0 for _ in steps])


@final
@dataclass(frozen=True)
class InPlaceProx(SoundProx):
    """Its proximal step writes into the weights."""

    def prox(self, weights, steps):
        return [w.copy_(new) for w, new in zip(weights, super().prox(weights, steps), strict=True)]


@final
@dataclass(frozen=True)
class WrongGroupWeights(Proximal):
    """A group lasso whose value asks for ``sqrt(n)`` per group, and its proximal step for ``n``."""

    strength: Annotated[float, Range(0.0, search=(1e-3, 1e-1), log=True)]

    def value(self, weights):
        return self.strength * sum(w.norm() * w.numel() ** 0.5 for w in weights)

    def gradient(self, weights):
        return [self.strength * w.numel() ** 0.5 * w / w.norm() for w in weights]

    def prox(self, weights, steps):
        return [
            w * (1 - self.strength * step * w.numel() / w.norm().clamp(min=1e-30)).clamp(min=0)
            for w, step in zip(weights, steps, strict=True)
        ]


@dataclass(frozen=True)
class SoundPair(Proximal):
    """The hierarchical lasso, to be spoilt."""

    takes_pair = True
    one_step = True
    strength: Strength
    scope: Scope = "matrices"

    @property
    def whole(self):
        return HierarchicalLasso(0.0, 2.0).bind({"strength": self.strength})

    def value(self, weights):
        return self.whole.value(weights)

    def gradient(self, weights):
        return self.whole.gradient(weights)

    def prox(self, weights, steps):
        return self.whole.prox(weights, steps)

    def inside(self, weights):
        return self.whole.inside(weights)


@final
@dataclass(frozen=True)
class LargestIsSmall(SoundProx):
    """Its largest strength leaves weights."""

    def strength_max(self, gradients):
        return 0.9 * max(float(gradient.abs().max()) for gradient in gradients)


@final
@dataclass(frozen=True)
class LargestIsLarge(SoundProx):
    """Its largest strength is not the smallest that leaves no weights."""

    def strength_max(self, gradients):
        return 1.1 * max(float(gradient.abs().max()) for gradient in gradients)


@final
@dataclass(frozen=True)
class ShrinksElse(SoundProx):
    """In place it takes a longer step."""

    def shrink(self, weights, steps):
        super().shrink(weights, [2.0 * step for step in steps])


@final
@dataclass(frozen=True)
class LeavesTheConstraint(SoundPair):
    """Its proximal step forgets the first layer."""

    def prox(self, weights, steps):
        return [super().prox(weights, steps)[0], weights[1]]


@final
@dataclass(frozen=True)
class CutsOnly(SoundPair):
    """Its proximal step shrinks the skip by itself, then cuts the first layer: inside, but not the best."""

    def prox(self, weights, steps):
        return self.inside([super().prox([weights[0], 0 * weights[1]], steps)[0], weights[1]])


@final
@dataclass(frozen=True)
class MovesWhatIsInside(SoundPair):
    """At zero strength it moves weights that keep the constraint."""

    def prox(self, weights, steps):
        return super().prox([1.001 * weights[0], weights[1]], steps)


@final
@dataclass(frozen=True)
class GradientOfTheConstrained(SoundPair):
    """Its gradient pulls on the first layer, of which the value knows nothing."""

    def gradient(self, weights):
        return [super().gradient(weights)[0], self.strength * weights[1]]


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (LeavesTheConstraint, "'prox is inside': the proximal step leaves the penalty's constraint"),
        (CutsOnly, "'prox is the best': a neighbour of the proximal step is better"),
        (CutsOnly, "'prox at zero strength is the identity': a neighbour of the proximal step is better"),
        (MovesWhatIsInside, "'prox at zero strength is the identity': the proximal step at zero strength must be the"),
        (GradientOfTheConstrained, "'gradient is that of the value': the gradient of weight 1 is not that"),
        (Detached, "'gradient is that of the value': the value does not depend on the weights: was it computed from"),
        (Branching, "'penalty stacks': RuntimeError: .*data-dependent control flow"),
        (ReadOut, "'penalty stacks': RuntimeError"),
        (TwiceTheGradient, "'gradient is that of the value': the gradient of weight 0 is not that of the value"),
        (TwiceTheGradient, "'gradient is the slope'"),
        (OneLayerOnly, "'gradient reaches every weight': the gradient does not reach 24 of 24 entries of weight 1"),
        (Negative, "'value is a finite number': the value must be finite and not negative"),
        (Vector, "'value is a finite number': the value must be a scalar like the weights: shape must be"),
        (InPlacePenalty, "'penalty leaves its inputs': an input was changed in place"),
        (AddsAnother, "'adding the gradient adds it': add_gradient adds something other than the gradient"),
        (AlwaysOn, "'zero strength does nothing': the value at zero strength must be 0"),
        (DoublePrecision, "'gradient reaches every weight': the gradient of weight 0 must be like it: dtype must be"),
        (NanAtZero, "'prox is finite': the proximal step is not finite"),
        (WrongThreshold, "'prox is the best': a neighbour of the proximal step is better"),
        (StepForgotten, "'prox is the best': a neighbour of the proximal step is better"),
        (WrongGroupWeights, "'prox is the best': a neighbour of the proximal step is better"),
        (ShrinksElse, "'shrinking in place is the proximal step': shrink leaves something other"),
        (LargestIsSmall, "'strength max is where weights begin': .* at 1 of it some weight is left"),
        (LargestIsLarge, "'strength max is where weights begin': .* at 0.999999 of it no weight is left"),
        (InPlaceProx, "'prox leaves its inputs': an input was changed in place"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [Sound, SoundProx, SoundPair])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for kind in cls.__mro__[1:2]:
            for law in LAWS[kind]:
                check_law(law, instance)
