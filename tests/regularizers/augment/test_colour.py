"""Colour against Pillow's saturation and the standard library's YIQ."""

import colorsys
import dataclasses
import math

import numpy as np
import torch
from PIL import Image, ImageEnhance

from bridle.regularizers.augment import Colour

LUMINANCE = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)


def test_saturation_is_pillows(coloured, draws):
    colour = Colour(0.7)
    found = colour.apply(coloured, draws).inputs
    saturation = colour.matrix(coloured, draws).diagonal(dim1=1, dim2=2).sum(1) / 2 + 1
    for image, new, factor in zip(coloured.inputs[:16], found[:16], saturation[:16], strict=True):
        picture = Image.fromarray((image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
        expected = np.asarray(ImageEnhance.Color(picture).enhance(float(factor))) / 255
        np.testing.assert_allclose(new.permute(1, 2, 0).numpy(), expected, atol=3 / 255)


def test_luminance_stays(coloured, draws):
    pale = dataclasses.replace(coloured, inputs=0.4 + 0.2 * coloured.inputs)
    found = Colour(0.5, hue=90).apply(pale, draws).inputs
    assert float((found - pale.inputs).abs().max()) > 0.05
    weighed = [torch.einsum("c,bchw->bhw", LUMINANCE, images) for images in (found, pale.inputs)]
    torch.testing.assert_close(*weighed, rtol=0, atol=1e-5)


def test_hue_turns_the_plane_of_colours(coloured):
    class QuarterTurn:
        def per_example(self, name, examples, times, columns):
            return torch.tensor([0.5, 1.0, 0.0]).expand(len(examples), 3)

    pale = dataclasses.replace(coloured, inputs=0.4 + 0.2 * coloured.inputs)
    found = Colour(0.0, hue=30).apply(pale, QuarterTurn()).inputs
    for image, new in zip(pale.inputs[:8], found[:8], strict=True):
        y, i, q = colorsys.rgb_to_yiq(*image[:, 0, 0].tolist())
        turned = complex(i, q) * complex(math.cos(math.pi / 6), math.sin(math.pi / 6))
        expected = colorsys.yiq_to_rgb(y, turned.real, turned.imag)
        # The standard library rounds the coefficients of YIQ to two digits.
        np.testing.assert_allclose(new[:, 0, 0].tolist(), expected, atol=0.01)


def test_a_grey_image_in_three_channels_stays(coloured, draws):
    grey = dataclasses.replace(coloured, inputs=coloured.inputs[:, :1].expand(-1, 3, -1, -1))
    found = Colour(0.9, hue=120).apply(grey, draws).inputs
    torch.testing.assert_close(found, grey.inputs, rtol=0, atol=1e-5)
