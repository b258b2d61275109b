"""Augmentations that are wrong, each in one way. The laws reject each by the law that it breaks."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import pytest
import torch

from bridle.core import Augmentation, Range
from bridle.records import Kind
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Strength = Annotated[float, Range(0.0, search=(0.1, 0.5))]


@dataclass(frozen=True)
class SoundAugmentation(Augmentation):
    """Darkens each image, to be spoilt."""

    acts_on: ClassVar = frozenset({Kind.IMAGE})
    strength: Strength

    def change(self, batch, draws):
        drawn = draws.per_example(self.key, batch.examples, batch.times, 1)[:, :, None, None]
        return batch.inputs * (1 - drawn * self.strength).to(batch.inputs.dtype)

    def apply(self, batch, draws):
        return dataclasses.replace(batch, inputs=self.change(batch, draws))


@final
@dataclass(frozen=True)
class ChangedLabels(SoundAugmentation):
    """It says that it keeps labels, and changes them."""

    def apply(self, batch, draws):
        changed = super().apply(batch, draws)
        return dataclasses.replace(changed, targets=batch.targets.roll(1, 0))


@final
@dataclass(frozen=True)
class LossyMixing(SoundAugmentation):
    """It mixes labels so that rows no longer sum to 1."""

    keeps_labels: ClassVar = False

    def apply(self, batch, draws):
        changed = super().apply(batch, draws)
        return dataclasses.replace(changed, targets=batch.targets * (1 - self.strength))


@final
@dataclass(frozen=True)
class InPlaceAugmentation(SoundAugmentation):
    """It writes into the batch."""

    def apply(self, batch, draws):
        batch.inputs.copy_(self.change(batch, draws))
        return batch


@final
@dataclass(frozen=True)
class BatchOrder(SoundAugmentation):
    """How an example looks depends on its place in the batch."""

    def change(self, batch, draws):
        places = torch.arange(len(batch.inputs), device=batch.inputs.device)
        return super().change(dataclasses.replace(batch, examples=places), draws)


@final
@dataclass(frozen=True)
class SameDraws(SoundAugmentation):
    """Its draws carry a fixed name, so that two labelled ones share them."""

    def change(self, batch, draws):
        return SoundAugmentation.change(self.bind({"label": "fixed"}), batch, draws)


@final
@dataclass(frozen=True)
class OutOfRange(SoundAugmentation):
    """Its pixels leave [0, 1]."""

    def change(self, batch, draws):
        return 2 * batch.inputs - super().change(batch, draws)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (ChangedLabels, "'labels are kept or mixed': it says that it keeps labels, but the targets changed"),
        (LossyMixing, "'labels are kept or mixed': the rows of mixed targets must sum to 1"),
        (InPlaceAugmentation, "'augmentation keeps the form': an input was changed in place"),
        (BatchOrder, "'view belongs to the example': the view depends on the batch or its order"),
        (SameDraws, "'draws are its own': another label must give another view"),
        (OutOfRange, r"'augmentation keeps the form': pixels must stay in \[0, 1\]"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [SoundAugmentation])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for kind in cls.__mro__[1:2]:
            for law in LAWS[kind]:
                check_law(law, instance)
