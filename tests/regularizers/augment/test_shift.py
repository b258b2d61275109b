"""Shift against scipy's."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from bridle.regularizers.augment import Shift

OUTSIDE = {"zeros": "grid-constant", "border": "nearest", "reflection": "reflect"}


@pytest.mark.parametrize("fill", OUTSIDE)
def test_it_is_scipys_shift(smooth, draws, fill):
    shift = Shift(0.3, fill=fill)
    found = shift.apply(smooth, draws).inputs
    moves = shift.matrix(smooth, draws)[:, :, 2].flip(1)
    for image, new, move in zip(smooth.inputs[:8, 0], found[:8, 0], moves[:8], strict=True):
        expected = ndimage.shift(image.numpy(), (-move).numpy(), order=1, mode=OUTSIDE[fill])
        np.testing.assert_allclose(new.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("axis", "side"), [(0, 12), (1, 8)])
def test_moves_are_uniform_shares_of_each_side(many, draws, axis, side):
    moves = Shift(0.25).matrix(many, draws)[:, axis, 2]
    assert stats.kstest(moves.numpy(), stats.uniform(-0.25 * side, 0.5 * side).cdf).pvalue > 1e-3


def test_both_sides_move_independently(many, draws):
    moves = Shift(0.25).matrix(many, draws)[:, :, 2].numpy()
    assert abs(np.corrcoef(moves.T)[0, 1]) < 0.08


def test_the_rate_is_kept(many, draws):
    moved = (Shift(0.25, rate=0.4).matrix(many, draws)[:, :, 2] != 0).any(1)
    assert float(moved.double().mean()) == pytest.approx(0.4, abs=0.03)
    assert torch.equal(Shift(0.25, rate=0.0).apply(many, draws).inputs, many.inputs)
