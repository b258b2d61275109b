"""The padded crop against numpy's padding."""

import numpy as np
import pytest

from bridle.errors import DialError
from bridle.regularizers.augment import Crop

PADDING = {"zeros": "constant", "border": "edge", "reflection": "symmetric"}


@pytest.mark.parametrize("fill", PADDING)
def test_it_is_a_window_of_the_padded_image(coloured, draws, fill):
    crop = Crop(3, fill=fill)
    found = crop.apply(coloured, draws).inputs
    offsets = crop.matrix(coloured, draws)[:, :, 2].int() + 3
    padded = np.pad(coloured.inputs.numpy(), [(0, 0), (0, 0), (3, 3), (3, 3)], mode=PADDING[fill])
    height, width = coloured.inputs.shape[-2:]
    for place, (x, y) in enumerate(offsets.tolist()):
        window = padded[place, :, y : y + height, x : x + width]
        np.testing.assert_allclose(found[place].numpy(), window, atol=1e-5)


def test_every_window_is_equally_likely(many, draws):
    offsets = Crop(2).matrix(many, draws)[:, :, 2]
    assert offsets.unique().tolist() == [-2, -1, 0, 1, 2]
    for axis in range(2):
        counts = offsets[:, axis].unique(return_counts=True)[1]
        assert counts.min() > 650


def test_padding_is_a_number_of_pixels():
    with pytest.raises(DialError, match=r"Crop.padding must be a whole number in \[0, inf\); got 1.5"):
        Crop(1.5)
