"""Scale against Pillow's affine transform."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from bridle.regularizers.augment import Scale


def by_pillow(image, factor):
    height, width = image.shape
    back = 1 / factor
    data = (back, 0, (1 - back) * width / 2, 0, back, (1 - back) * height / 2)
    picture = Image.fromarray(image.astype(np.float32))
    return np.asarray(picture.transform((width, height), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR))


def test_it_is_pillows_transform(smooth, draws):
    scale = Scale(0.5, fill="border")
    found = scale.apply(smooth, draws).inputs
    factors = 1 / scale.matrix(smooth, draws)[:, 0, 0]
    assert factors.min() < 1 < factors.max()
    for image, new, factor in zip(smooth.inputs[:8, 0], found[:8, 0], factors[:8], strict=True):
        inner = (slice(3, -3), slice(4, -4))
        np.testing.assert_allclose(new.numpy()[inner], by_pillow(image.numpy(), float(factor))[inner], atol=1e-5)


def test_an_enlarged_image_shows_less(smooth, draws):
    """Seen through a factor above 1 the middle half stays in view, so that its pixels spread."""
    scale = Scale(1.0, fill="border")
    factors = 1 / scale.matrix(smooth, draws)[:, 0, 0]
    spread = scale.apply(smooth, draws).inputs.std(dim=(1, 2, 3)) / smooth.inputs.std(dim=(1, 2, 3))
    assert np.corrcoef(factors.numpy(), spread.numpy())[0, 1] < 0


def test_growing_and_shrinking_are_equally_likely(many, draws):
    matrices = Scale(0.5).matrix(many, draws)
    logs = -matrices[:, 0, 0].double().log().numpy()
    end = np.log(1.5)
    assert stats.kstest(logs, stats.uniform(-end, 2 * end).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(matrices[:, 0, 0], matrices[:, 1, 1])


def test_the_rate_is_kept(many, draws):
    scaled = Scale(0.5, rate=0.3).matrix(many, draws)[:, 0, 0] != 1
    assert float(scaled.double().mean()) == pytest.approx(0.3, abs=0.03)
