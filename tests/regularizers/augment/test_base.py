"""Geometry against scipy: one map, composed maps, and what is seen outside the image."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

from bridle.core import Draws
from bridle.regularizers.augment import HorizontalFlip, Rotation, Shift, VerticalFlip
from bridle.regularizers.augment._base import affine, amount, compose, resample, transform

OUTSIDE = {"zeros": "grid-constant", "border": "nearest", "reflection": "reflect"}
MATRIX = np.array([[0.9, -0.35, 2.3], [0.4, 1.15, -1.7]])


def by_scipy(image, matrix, fill):
    """The same map in scipy's coordinates: rows before columns, from the middle of the first pixel."""
    height, width = image.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    linear = matrix[::-1, 1::-1]
    offset = middle + matrix[::-1, 2] - linear @ middle
    return ndimage.affine_transform(image, linear, offset, order=1, mode=OUTSIDE[fill])


@pytest.mark.parametrize("fill", OUTSIDE)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_resampling_is_scipys(smooth, fill, dtype):
    images = smooth.inputs[:4].to(dtype)
    found = resample(images, torch.from_numpy(MATRIX).expand(4, 2, 3), fill)
    assert found.dtype == dtype
    for image, new in zip(images[:, 0].double().numpy(), found[:, 0].double().numpy(), strict=True):
        np.testing.assert_allclose(new, by_scipy(image, MATRIX, fill), atol=1e-10 if dtype == torch.float64 else 1e-5)


def test_channels_move_together(coloured):
    matrices = torch.from_numpy(MATRIX).expand(64, 2, 3)
    found = resample(coloured.inputs, matrices, "border")
    for channel in range(3):
        alone = resample(coloured.inputs[:, channel : channel + 1], matrices, "border")
        torch.testing.assert_close(found[:, channel : channel + 1], alone)


def test_half_precision_places_pixels_in_float32(smooth):
    half = smooth.inputs.to(torch.bfloat16)
    matrices = torch.from_numpy(MATRIX).expand(64, 2, 3)
    found = resample(half, matrices, "border")
    assert found.dtype == torch.bfloat16
    expected = resample(half.float(), matrices, "border").to(torch.bfloat16)
    assert torch.equal(found, expected)


def test_composition_is_the_product_of_matrices():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(5, 2, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    below = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand(5, 1, 3)
    expected = torch.cat([first, below], 1) @ torch.cat([second, below], 1)
    torch.testing.assert_close(compose(first, second), expected[:, :2])


def test_affine_places_its_entries():
    one, two = torch.ones(2), torch.full((2,), 2.0)
    expected = torch.tensor([[1.0, 0.0, 2.0], [2.0, 1.0, 0.0]])
    torch.testing.assert_close(affine(one, one, x=two, yx=two), expected.expand(2, 2, 3))


def test_a_run_of_flips_is_exact(coloured, draws):
    images = coloured.inputs.float()
    batch = dataclasses.replace(coloured, inputs=images)
    both = transform(batch, [HorizontalFlip(1.0), VerticalFlip(1.0)], draws).inputs
    assert torch.equal(both, images.flip(-1, -2))


def test_a_flip_among_others_is_one_too(smooth, draws):
    run = [HorizontalFlip(0.5), Rotation(0.0)]
    alone = transform(smooth, run[:1], draws).inputs
    torch.testing.assert_close(transform(smooth, run, draws).inputs, alone, rtol=0, atol=1e-10)


def test_a_run_acts_in_its_order(smooth, draws):
    """First turned and then shifted: the middle of the turned image lies beside the middle of the new one."""
    turn, move = Rotation(90, fill="border"), Shift(0.3, fill="border")
    fused = transform(smooth, [turn, move], draws).inputs
    expected = compose(turn.matrix(smooth, draws), move.matrix(smooth, draws))
    torch.testing.assert_close(fused, resample(smooth.inputs, expected, "border"))
    middle = resample(smooth.inputs, turn.matrix(smooth, draws), "border")
    in_turn = resample(middle, move.matrix(smooth, draws), "border")
    inner = (slice(None), slice(None), slice(4, 8), slice(7, 11))
    few_moved = move.matrix(smooth, draws)[:, :, 2].abs().amax(1) < 2
    assert int(few_moved.sum()) > 5
    torch.testing.assert_close(fused[few_moved][inner], in_turn[few_moved][inner], rtol=0, atol=0.03)


def test_amount_is_uniform_and_spares_the_rest(many):
    found = amount("a", many, Draws(0, 0, 0), 0.4, 0.75)
    assert found.shape == (4000, 1, 1, 1)
    assert found.dtype == torch.float64
    drawn = found.flatten()
    assert float((drawn == 0).double().mean()) == pytest.approx(0.25, abs=0.03)
    assert 0.35 < float(drawn.max()) <= 0.4
    assert -0.4 <= float(drawn.min()) < -0.35
    assert abs(float(drawn.mean())) < 0.02
