"""The horizontal flip is exact."""

import numpy as np
import pytest
import torch

from bridle.core import Draws
from bridle.regularizers.augment import HorizontalFlip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_it_is_torchs_flip(coloured, draws, dtype):
    images = coloured.inputs.to(dtype)
    coloured.inputs.copy_(images)
    found = HorizontalFlip(1.0).apply(coloured, draws).inputs
    assert torch.equal(found, coloured.inputs.flip(-1))
    np.testing.assert_array_equal(found[0, 0].numpy(), np.fliplr(coloured.inputs[0, 0].numpy()))


def test_each_image_is_mirrored_or_left(coloured, draws):
    flip = HorizontalFlip()
    found, chosen = flip.apply(coloured, draws).inputs, flip.flipped(coloured, draws)
    assert torch.equal(found[chosen], coloured.inputs[chosen].flip(-1))
    assert torch.equal(found[~chosen], coloured.inputs[~chosen])


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 1.0])
def test_the_rate_is_kept(many, draws, rate):
    share = float(HorizontalFlip(rate).flipped(many, draws).double().mean())
    assert share == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 4000) ** 0.5)


def test_epochs_differ(many):
    flip = HorizontalFlip()
    first, second = flip.flipped(many, Draws(0, 0, 0)), flip.flipped(many, Draws(1, 0, 0))
    assert float((first == second).double().mean()) == pytest.approx(0.5, abs=0.05)
