"""Erasing covers one rectangle with the mean."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from bridle.core import Draws
from bridle.regularizers.augment import Erasing


def covered(batch, erasing, seed=0):
    return (erasing.apply(batch, Draws(seed, 0, 0)).inputs != batch.inputs).any(1).numpy()


def test_what_is_covered_is_one_rectangle(coloured):
    seen = 0
    for mask in covered(coloured, Erasing(rate=1.0, area=0.5)):
        labels, count = ndimage.label(mask)
        if count:
            seen += 1
            (box,) = ndimage.find_objects(labels)
            assert count == 1
            assert mask[box].all()
    assert seen > 50


def test_the_cover_is_the_mean_colour(coloured, draws):
    found = Erasing(rate=1.0, area=0.6).apply(coloured, draws).inputs
    mean = coloured.inputs.mean(dim=(2, 3), keepdim=True).expand_as(found)
    changed = (found != coloured.inputs).any(1, keepdim=True).expand_as(found)
    assert int(changed.sum()) > 0
    assert torch.equal(found[changed], mean[changed])


def test_the_share_of_the_area_is_as_said(coloured):
    batch = coloured
    shares = np.concatenate([covered(batch, Erasing(rate=1.0, area=0.4), seed).mean(axis=(1, 2)) for seed in range(40)])
    assert shares.mean() == pytest.approx(0.2, abs=0.02)
    assert shares.max() < 0.5


def test_the_rate_is_kept(coloured):
    hit = np.concatenate([covered(coloured, Erasing(0.3, 0.9), seed).any(axis=(1, 2)) for seed in range(40)])
    assert hit.mean() == pytest.approx(0.3, abs=0.04)


def test_every_place_is_covered_sometimes(coloured):
    often = np.mean([covered(coloured, Erasing(1.0, 0.3), seed).mean(axis=0) for seed in range(20)], axis=0)
    assert often.min() > 0


def test_everything_may_be_covered(coloured):
    masks = covered(coloured, Erasing(rate=1.0, area=1.0, ratio=1.0))
    assert masks.mean(axis=(1, 2)).max() > 0.9
