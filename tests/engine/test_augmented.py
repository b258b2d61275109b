"""Batches augmented several at a time are those that are augmented one at a time."""

import pytest
import torch

from bridle.core import schedule
from bridle.engine import augmented as module
from bridle.regularizers.augment import (
    Brightness,
    Colour,
    Contrast,
    Crop,
    Erasing,
    HorizontalFlip,
    Mixup,
    ResizedCrop,
    Rotation,
    Scale,
    Shear,
    Shift,
    VerticalFlip,
)

MOVES = [
    Rotation(20.0),
    Shift(0.2),
    Shear(10.0),
    Scale(0.2),
    Crop(1),
    ResizedCrop(0.5),
    HorizontalFlip(),
    VerticalFlip(),
    Brightness(0.3),
    Contrast(0.3),
    Colour(0.3),
    Erasing(0.8),
]


def seen(training, epoch):
    return [(batch, draws.step, progress) for batch, draws, progress in training.augmented.epoch(epoch)]


@pytest.fixture
def pair(images, begin, conv, monkeypatch):
    """Two trainings alike, the second of which augments one batch at a time."""

    def make(*regularizers, **settings):
        settings = {"batch_size": 7, "epochs": 3} | settings
        together = begin(images(), conv, *regularizers, **settings)
        monkeypatch.setattr(module, "AHEAD", 1)
        return together, begin(images(), conv, *regularizers, **settings)

    return make


@pytest.mark.parametrize("item", MOVES, ids=lambda item: item.name())
@pytest.mark.parametrize("expand", [0, 2])
def test_several_at_a_time_are_those_one_at_a_time(item, expand, pair):
    together, single = pair(item, expand=expand)
    assert together.augmented._together > 1
    assert single.augmented._together == 1
    for (ours, *place), (theirs, *expected) in zip(seen(together, 1), seen(single, 1), strict=True):
        assert place == expected
        for name in ("targets", "weights", "examples", "times"):
            assert torch.equal(getattr(ours, name), getattr(theirs, name))
        torch.testing.assert_close(ours.inputs, theirs.inputs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("item", [Mixup(0.4), Rotation(schedule(5.0, 30.0))], ids=["mixes", "moves"])
def test_what_mixes_or_moves_acts_batch_by_batch(item, pair):
    together, _ = pair(item)
    assert together.augmented._together == 1


def test_a_scheduled_dial_is_that_of_the_step(images, begin, conv):
    """A rotation that begins at no angle leaves the first batch as it is, and none after it."""
    plain = begin(images(), conv, batch_size=7, epochs=3)
    training = begin(images(), conv, Rotation(schedule(0.0, 90.0)), batch_size=7, epochs=3)
    changes = [
        float((ours.inputs - theirs.inputs).abs().max())
        for epoch in range(3)
        for (ours, *_), (theirs, *_) in zip(seen(training, epoch), seen(plain, epoch), strict=True)
    ]
    assert changes[0] < 1e-5
    assert min(changes[1:]) > 1e-3


def test_steps_and_progress_are_counted_over_all_epochs(images, begin, conv):
    training = begin(images(), conv, Shift(0.1), batch_size=8, epochs=2)
    places = [place for epoch in range(2) for _, *place in seen(training, epoch)]
    assert places == [[step, step / 10] for step in range(10)]
