"""Contrast against Pillow's."""

import dataclasses

import numpy as np
import torch
from PIL import Image, ImageEnhance

from bridle.regularizers.augment import Contrast
from bridle.regularizers.augment._base import amount


def test_it_is_pillows_contrast_on_grey_images(coloured, draws):
    grey = dataclasses.replace(coloured, inputs=coloured.inputs[:, :1])
    contrast = Contrast(0.8)
    found = contrast.apply(grey, draws).inputs
    factors = 1 + amount(contrast.key, grey, draws, 0.8, 1.0).flatten()
    for image, new, factor in zip(grey.inputs[:16, 0], found[:16, 0], factors[:16], strict=True):
        picture = Image.fromarray((image.numpy() * 255).round().astype(np.uint8))
        expected = np.asarray(ImageEnhance.Contrast(picture).enhance(float(factor))) / 255
        np.testing.assert_allclose(new.numpy(), expected, atol=3 / 255)


def test_the_mean_is_kept_where_nothing_is_clipped(smooth, draws):
    found = Contrast(0.05).apply(smooth, draws).inputs
    torch.testing.assert_close(found.mean(dim=(1, 2, 3)), smooth.inputs.mean(dim=(1, 2, 3)))
    spread = found.std(dim=(1, 2, 3)) / smooth.inputs.std(dim=(1, 2, 3))
    assert 0.95 <= float(spread.min()) < 0.96
    assert 1.04 < float(spread.max()) <= 1.05
