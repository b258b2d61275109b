"""Shear against Pillow's affine transform."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from bridle.regularizers.augment import Shear


def by_pillow(image, lean):
    height, width = image.shape
    picture = Image.fromarray(image.astype(np.float32))
    data = (1, lean, -lean * height / 2, 0, 1, 0)
    return np.asarray(picture.transform((width, height), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR))


def test_it_is_pillows_transform(smooth, draws):
    shear = Shear(30, fill="border")
    found = shear.apply(smooth, draws).inputs
    leans = shear.matrix(smooth, draws)[:, 0, 1]
    for image, new, lean in zip(smooth.inputs[:8, 0], found[:8, 0], leans[:8], strict=True):
        inner = (slice(1, -1), slice(5, -5))
        np.testing.assert_allclose(new.numpy()[inner], by_pillow(image.numpy(), float(lean))[inner], atol=1e-5)


def test_angles_are_uniform(many, draws):
    angles = Shear(40).matrix(many, draws)[:, 0, 1].atan().rad2deg()
    assert stats.kstest(angles.numpy(), stats.uniform(-40, 80).cdf).pvalue > 1e-3


def test_area_is_kept(many, draws):
    matrices = Shear(40).matrix(many, draws)
    torch.testing.assert_close(torch.linalg.det(matrices[:, :, :2]), torch.ones(4000))


def test_the_rate_is_kept(many, draws):
    leaning = Shear(40, rate=0.6).matrix(many, draws)[:, 0, 1] != 0
    assert float(leaning.double().mean()) == pytest.approx(0.6, abs=0.03)
