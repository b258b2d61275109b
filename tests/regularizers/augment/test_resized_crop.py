"""The resized crop against Pillow's resizing of a box."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from bridle.regularizers.augment import ResizedCrop


def windows(crop, batch, draws):
    """Left, top, right and bottom of each window, in pixels from the image's corner."""
    height, width = batch.inputs.shape[-2:]
    matrices = crop.matrix(batch, draws).double().numpy()
    wide, high = matrices[:, 0, 0] * width, matrices[:, 1, 1] * height
    x, y = width / 2 + matrices[:, 0, 2], height / 2 + matrices[:, 1, 2]
    return np.stack([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2], axis=1)


def test_it_is_pillows_resizing_of_the_window(smooth, draws):
    crop = ResizedCrop(area=0.3, ratio=2.0)
    found = crop.apply(smooth, draws).inputs
    for image, new, box in zip(smooth.inputs[:16, 0], found[:16, 0], windows(crop, smooth, draws)[:16], strict=True):
        picture = Image.fromarray(image.numpy().astype(np.float32))
        box = np.clip(box, 0, [18, 12, 18, 12])
        expected = np.asarray(picture.resize((18, 12), Image.Resampling.BILINEAR, box=tuple(box)))
        np.testing.assert_allclose(new.numpy(), expected, atol=1e-4)


def test_windows_lie_inside_and_reach_the_edges(many, draws):
    boxes = windows(ResizedCrop(area=0.2, ratio=3.0), many, draws)
    assert boxes[:, :2].min() > -1e-5
    assert (boxes[:, 2] < 12 + 1e-5).all()
    assert (boxes[:, 3] < 8 + 1e-5).all()
    assert boxes[:, 0].min() < 0.1
    assert boxes[:, 3].max() > 7.9


def test_area_and_shape_are_as_said(many, draws):
    square = windows(ResizedCrop(area=0.4, ratio=1.0), many, draws)
    areas = (square[:, 2] - square[:, 0]) * (square[:, 3] - square[:, 1]) / 96
    assert stats.kstest(areas, stats.uniform(0.4, 0.6).cdf).pvalue > 1e-3
    shaped = windows(ResizedCrop(area=0.1, ratio=2.0), many, draws)
    shapes = np.log((shaped[:, 2] - shaped[:, 0]) / 12 / ((shaped[:, 3] - shaped[:, 1]) / 8))
    assert np.abs(shapes).max() < np.log(2.0) + 1e-5
    small = (shaped[:, 2] - shaped[:, 0] < 11.9) & (shaped[:, 3] - shaped[:, 1] < 7.9)
    assert abs(shapes[small].mean()) < 0.03


def test_the_rate_is_kept(many, draws):
    cut = ResizedCrop(area=0.3, rate=0.2).matrix(many, draws)[:, 0, 0] != 1
    assert float(cut.double().mean()) == pytest.approx(0.2, abs=0.03)
