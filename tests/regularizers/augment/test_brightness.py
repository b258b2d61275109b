"""Brightness against Pillow's."""

import numpy as np
from PIL import Image, ImageEnhance

from bridle.regularizers.augment import Brightness
from bridle.regularizers.augment._base import amount


def test_it_is_pillows_brightness(coloured, draws):
    brightness = Brightness(0.6)
    found = brightness.apply(coloured, draws).inputs
    factors = 1 + amount(brightness.key, coloured, draws, 0.6, 1.0).flatten()
    assert factors.min() < 0.6
    assert factors.max() > 1.4
    for image, new, factor in zip(coloured.inputs[:16], found[:16], factors[:16], strict=True):
        picture = Image.fromarray((image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
        expected = np.asarray(ImageEnhance.Brightness(picture).enhance(float(factor))) / 255
        np.testing.assert_allclose(new.permute(1, 2, 0).numpy(), expected, atol=2 / 255)


def test_pixels_stay_in_range(coloured, draws):
    found = Brightness(1.0).apply(coloured, draws).inputs
    assert float(found.min()) >= 0
    assert float(found.max()) == 1
