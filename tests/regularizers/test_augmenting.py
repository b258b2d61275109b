"""A run of geometric augmentations is one resampling, and everything else acts in order."""

import pytest
import torch

from bridle.core import Batch, Draws
from bridle.records import Kind
from bridle.regularizers.augment import (
    Brightness,
    Contrast,
    Crop,
    Erasing,
    FeatureNoise,
    HorizontalFlip,
    Mixup,
    ResizedCrop,
    Rotation,
    Scale,
    Shear,
    Shift,
    VerticalFlip,
    _base,
)
from bridle.regularizers.augmenting import augment
from bridle.testing import material

DRAWS = Draws(0, 0, 0)
CPU = torch.device("cpu")


@pytest.fixture
def batch() -> Batch:
    return material.batch(Kind.IMAGE, CPU, count=32)


@pytest.fixture
def resamplings(monkeypatch) -> list[str]:
    """What is seen outside, once for each resampling."""
    found: list[str] = []
    original = _base.resample

    def counted(images, matrices, fill):
        found.append(fill)
        return original(images, matrices, fill)

    monkeypatch.setattr(_base, "resample", counted)
    return found


@pytest.mark.parametrize(
    ("augmentations", "expected"),
    [
        ([], []),
        ([HorizontalFlip(), VerticalFlip()], []),
        ([Rotation(10), Shift(0.1)], ["zeros"]),
        ([Rotation(10), Shift(0.1), Scale(0.1), Shear(5), Crop(1), HorizontalFlip()], ["zeros"]),
        ([Rotation(10), Shift(0.1, fill="border")], ["zeros", "border"]),
        ([HorizontalFlip(), Rotation(10, fill="reflection"), ResizedCrop(0.5)], ["reflection"]),
        ([ResizedCrop(0.5), HorizontalFlip()], ["border"]),
        ([Rotation(10), Brightness(0.1), Shift(0.1)], ["zeros", "zeros"]),
        ([Brightness(0.1), Rotation(10), Shift(0.1), Erasing(), Mixup(0.2)], ["zeros"]),
    ],
)
def test_each_run_is_resampled_once(batch, resamplings, augmentations, expected):
    augment(batch, augmentations, DRAWS)
    assert resamplings == expected


def test_nothing_changes_nothing(batch):
    assert augment(batch, [], DRAWS) is batch


def test_alone_each_is_itself(batch):
    for item in (Rotation(20), HorizontalFlip(), Brightness(0.3), Mixup(0.4)):
        found, expected = augment(batch, [item], DRAWS), item.apply(batch, DRAWS)
        assert torch.equal(found.inputs, expected.inputs)
        assert torch.equal(found.targets, expected.targets)


def test_what_is_not_geometric_acts_in_order(batch):
    first, second = Brightness(0.9), Contrast(0.9)
    found = augment(batch, [first, second], DRAWS).inputs
    assert torch.equal(found, second.apply(first.apply(batch, DRAWS), DRAWS).inputs)
    assert not torch.equal(found, augment(batch, [second, first], DRAWS).inputs)


def test_a_fused_run_is_nearly_the_run_in_turn():
    """On smooth images two interpolations blur little; what remains is the order of the maps."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 40), torch.linspace(-1, 1, 60), indexing="ij")
    images = (0.5 + 0.3 * torch.sin(2 * x) * torch.cos(1.5 * y)).expand(16, 1, 40, 60).double()
    numbers = torch.arange(16)
    batch = Batch(images, torch.ones(16, 1), torch.ones(16), numbers, numbers * 0, Kind.IMAGE)
    run = [Rotation(25, fill="border"), Shift(0.1, fill="border"), Shear(10, fill="border"), HorizontalFlip()]
    fused = augment(batch, run, DRAWS).inputs
    in_turn = batch
    for item in run:
        in_turn = item.apply(in_turn, DRAWS)
    inner = (slice(None), slice(None), slice(12, -12), slice(15, -15))
    torch.testing.assert_close(fused[inner], in_turn.inputs[inner], rtol=0, atol=0.01)
    other = augment(batch, run[::-1], DRAWS).inputs
    assert float((other[inner] - fused[inner]).abs().max()) > 0.05


def test_the_views_of_an_example_do_not_depend_on_the_batch(batch):
    run = [HorizontalFlip(), Rotation(20), Shift(0.1), Brightness(0.2), Erasing()]
    whole = augment(batch, run, DRAWS).inputs
    few = Batch(
        batch.inputs[5:9], batch.targets[5:9], batch.weights[5:9], batch.examples[5:9], batch.times[5:9], Kind.IMAGE
    )
    torch.testing.assert_close(augment(few, run, DRAWS).inputs, whole[5:9], rtol=0, atol=1e-6)


def test_tables_are_augmented_too():
    table = material.batch(Kind.TABLE, CPU)
    found = augment(table, [FeatureNoise(0.1), Mixup(0.4)], DRAWS)
    assert torch.equal(found.inputs, Mixup(0.4).apply(FeatureNoise(0.1).apply(table, DRAWS), DRAWS).inputs)
