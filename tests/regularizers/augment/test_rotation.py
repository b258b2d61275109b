"""Rotation against scipy's, on images that are not square."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from bridle.regularizers.augment import Rotation

OUTSIDE = {"zeros": "grid-constant", "border": "nearest", "reflection": "reflect"}


@pytest.mark.parametrize("fill", OUTSIDE)
def test_it_is_scipys_rotation(smooth, draws, fill):
    rotation = Rotation(60, fill=fill)
    found = rotation.apply(smooth, draws).inputs
    matrices = rotation.matrix(smooth, draws)
    angles = torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]).rad2deg()
    for image, new, angle in zip(smooth.inputs[:8, 0], found[:8, 0], angles[:8], strict=True):
        expected = ndimage.rotate(image.numpy(), float(angle), reshape=False, order=1, mode=OUTSIDE[fill])
        np.testing.assert_allclose(new.numpy(), expected, atol=1e-5)


def test_a_half_turn_is_both_flips(smooth):
    class HalfTurn:
        def per_example(self, name, examples, times, columns):
            return torch.tensor([1.0, 0.0]).expand(len(examples), 2)

    found = Rotation(180).apply(smooth, HalfTurn()).inputs
    torch.testing.assert_close(found, smooth.inputs.flip(-1, -2), rtol=0, atol=1e-6)


def test_angles_are_uniform(many, draws):
    matrices = Rotation(30).matrix(many, draws)
    angles = torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]).rad2deg()
    assert stats.kstest(angles.numpy(), stats.uniform(-30, 60).cdf).pvalue > 1e-3


def test_the_rate_is_kept(many, draws):
    turned = Rotation(30, rate=0.25).matrix(many, draws)[:, 1, 0] != 0
    assert float(turned.double().mean()) == pytest.approx(0.25, abs=0.03)
