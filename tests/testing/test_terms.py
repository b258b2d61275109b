"""Loss terms that are wrong, each in one way. The laws reject each by the law that it breaks."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import pytest
import torch

from bridle.core import LossTerm, Range, Scope
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Strength = Annotated[float, Range(0.0, search=(0.1, 0.5))]


@dataclass(frozen=True)
class SoundTerm(LossTerm):
    """L2 on activations, to be spoilt."""

    needs_activations: ClassVar[bool] = True
    strength: Strength
    scope: Scope = "all"

    def per_example(self, seen, draws):
        return self.strength * sum(item.flatten(1).square().sum(1) for item in seen.activations)


@dataclass(frozen=True)
class SoundSample(LossTerm):
    """The square of the output at random, to be spoilt."""

    strength: Strength

    def per_example(self, seen, draws):
        uniforms = draws.uniform(self.key, seen.output.shape, seen.output).to(seen.output.dtype)
        return self.strength * (uniforms * seen.output).square().sum(1)


@final
@dataclass(frozen=True)
class OneNumber(SoundTerm):
    """It gives one number for the batch."""

    def per_example(self, seen, draws):
        return super().per_example(seen, draws).mean()


@final
@dataclass(frozen=True)
class NegativeTerm(SoundTerm):
    """It rewards."""

    def per_example(self, seen, draws):
        return -super().per_example(seen, draws)


@final
@dataclass(frozen=True)
class DividesByZero(SoundTerm):
    """It divides by the activations' norm, or by what is zero where all weights are."""

    def per_example(self, seen, draws):
        return super().per_example(seen, draws) / seen.output.norm()


@final
@dataclass(frozen=True)
class DoubleTerm(SoundTerm):
    """It computes in float64 whatever it is given."""

    def per_example(self, seen, draws):
        return super().per_example(seen, draws).double()


@final
@dataclass(frozen=True)
class DetachedTerm(SoundTerm):
    """No gradient reaches a weight."""

    def per_example(self, seen, draws):
        return super().per_example(seen, draws).detach()


@final
@dataclass(frozen=True)
class HalfDetached(SoundTerm):
    """A part of its value is detached, so that its gradient is that of something else."""

    def per_example(self, seen, draws):
        return self.strength * sum((item * item.detach()).flatten(1).sum(1) for item in seen.activations)


@final
@dataclass(frozen=True)
class AlwaysOnTerm(SoundTerm):
    """Zero strength leaves something."""

    def per_example(self, seen, draws):
        return super().per_example(seen, draws) + 0.1 * seen.activations[0].square().sum(1)


@final
@dataclass(frozen=True)
class InPlaceTerm(SoundTerm):
    """It scales the activations themselves."""

    def per_example(self, seen, draws):
        with torch.no_grad():
            seen.activations[0].mul_(2)
        return super().per_example(seen, draws)


@final
@dataclass(frozen=True)
class BranchingTerm(SoundTerm):
    """It branches on its strength."""

    def per_example(self, seen, draws):
        return super().per_example(seen, draws) if self.strength else seen.activations[0].sum(1) * 0


@final
@dataclass(frozen=True)
class Undeclared(SoundTerm):
    """It differentiates with respect to inputs without saying so."""

    def per_example(self, seen, draws):
        (slope,) = torch.autograd.grad(seen.output.sum(), seen.inputs, create_graph=True)
        return self.strength * slope.square().sum(1)


@final
@dataclass(frozen=True)
class OneStep(SoundSample):
    """It draws the same at every step."""

    def per_example(self, seen, draws):
        return super().per_example(seen, type(draws)(draws.seed, draws.fold, 0))


@final
@dataclass(frozen=True)
class SharedDraws(SoundSample):
    """Two of the same draw the same."""

    def per_example(self, seen, draws):
        return self.bind({"label": "same"}).sample(seen, draws)

    def sample(self, seen, draws):
        return SoundSample.per_example(self, seen, draws)


@final
@dataclass(frozen=True)
class GlobalDraws(SoundSample):
    """It draws from torch's global generator."""

    def per_example(self, seen, draws):
        return self.strength * (torch.rand_like(seen.output) * seen.output).square().sum(1)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (OneNumber, r"'term is a number per example': there must be one value per example, \(B,\): shape must be"),
        (NegativeTerm, "'term is a number per example': a value is negative"),
        (DividesByZero, "'term is a number per example': a value is not finite"),
        (DoubleTerm, "'term is a number per example': there must be one value per example.*dtype must be"),
        (DetachedTerm, "'term reaches the weights'"),
        (HalfDetached, "'term gradient is the slope': its gradient is not the slope of its value"),
        (AlwaysOnTerm, "'term of zero strength is nothing': the values at zero strength must be 0"),
        (InPlaceTerm, "'term changes nothing in place': an input was changed in place"),
        (BranchingTerm, "'term stacks': RuntimeError: .*data-dependent control flow"),
        (Undeclared, "RuntimeError: One of the differentiated Tensors does not require grad"),
        (OneStep, "'term draws are its own': it draws, but the draws do not depend on the step"),
        (SharedDraws, "'term draws are its own': it draws, but the draws do not depend on the label"),
        (GlobalDraws, "'term draws are its own': the same draws must give the same values"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [SoundTerm, SoundSample])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for law in LAWS[LossTerm]:
            check_law(law, instance)
