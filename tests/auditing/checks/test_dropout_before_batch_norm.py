"""The shift of variance that dropout brings before batch normalisation is measured; after it there is none."""

import pytest
import torch
from torch import nn

from bridle.auditing.checks.dropout_before_batch_norm import DropoutBeforeBatchNorm


def test_dropout_before(observe):
    model = nn.Sequential(
        nn.Linear(6, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
    )
    (finding,) = DropoutBeforeBatchNorm().look(observe(model))
    assert finding.numbers["module"] == "4"
    assert finding.numbers["ratio"] > 1.2
    assert "Put dropout after the last batch normalisation" in finding.message
    torch.testing.assert_close(model[4].running_mean, torch.zeros(8))


def test_dropout_directly_before_has_the_ratio_of_theory(observe):
    """Inputs of mean 0 kept with probability 1/4 and scaled by 4 have 4 times the variance."""
    model = nn.Sequential(nn.Identity(), nn.Dropout(0.75), nn.BatchNorm1d(6), nn.Linear(6, 3))
    big = [(torch.randn(40_000, 6, generator=torch.Generator().manual_seed(0)), torch.zeros(40_000).long())]
    (finding,) = DropoutBeforeBatchNorm().look(observe(model, loader=big))
    assert finding.numbers["ratio"] == pytest.approx(4, rel=0.05)


def test_dropout_after(observe):
    model = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 3))
    assert list(DropoutBeforeBatchNorm().look(observe(model))) == []
