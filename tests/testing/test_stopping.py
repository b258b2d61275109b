"""Stop rules that are wrong, each in one way. The laws reject each by the law that it breaks."""

from dataclasses import dataclass
from typing import Annotated, final

import pytest
import torch

from bridle.core import Range, StopRule
from bridle.regularizers.stopping import EarlyStopping
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, instances

Patience = Annotated[int, Range(1, integer=True, search=(2, 5))]


@dataclass(frozen=True)
class SoundStop(StopRule):
    """Patience, to be spoilt."""

    patience: Patience

    def start(self):
        return EarlyStopping.start(self)

    def update(self, state, loss):
        return EarlyStopping.update(self, state, loss)

    def should_stop(self, state):
        return EarlyStopping.should_stop(self, state)

    def is_best(self, state):
        return EarlyStopping.is_best(self, state)


@final
@dataclass(frozen=True)
class StopsAnyway(SoundStop):
    """It stops after a number of epochs, improvement or not."""

    def update(self, state, loss):
        return super().update(state, loss) | {"since": state["since"] + 1}


@final
@dataclass(frozen=True)
class NanIsBest(SoundStop):
    """A comparison the wrong way round takes NaN for an improvement."""

    def update(self, state, loss):
        worse = loss >= state["best"]
        since = torch.where(worse, state["since"] + 1, 0)
        return {"best": torch.where(worse, state["best"], loss.double()), "since": since, "improved": ~worse}


@final
@dataclass(frozen=True)
class NeverStops(SoundStop):
    """It never stops."""

    def should_stop(self, state):
        return False


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (StopsAnyway, "'improvement never stops': it stops at an epoch that is better than all before"),
        (NanIsBest, "'nan is no improvement': it calls an epoch with NaN the best"),
        (NeverStops, "'no improvement stops': it goes on after 500 epochs without improvement"),
    ],
)
def test_what_is_broken_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)


@pytest.mark.parametrize("cls", [SoundStop])
def test_what_is_sound_is_accepted(cls):
    for instance in instances(cls):
        for kind in cls.__mro__[1:2]:
            for law in LAWS[kind]:
                check_law(law, instance)
