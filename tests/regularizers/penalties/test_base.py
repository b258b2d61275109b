"""Soft thresholding."""

import torch

from bridle.regularizers.penalties._base import soft


def test_soft_thresholding_is_torchs():
    weight = torch.linspace(-3, 3, 61, dtype=torch.float64)
    expected = torch.nn.functional.softshrink(weight, 0.7)
    torch.testing.assert_close(soft(weight, 0.7), expected)
    torch.testing.assert_close(soft(weight, torch.full_like(weight, 0.7)), expected)


def test_a_threshold_of_zero_changes_nothing():
    weight = torch.tensor([-1.5, -0.0, 0.0, 1e-38, 2.0])
    assert torch.equal(soft(weight, 0.0), weight)
