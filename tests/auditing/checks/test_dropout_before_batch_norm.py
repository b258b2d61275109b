"""The shift of variance that dropout brings before batch normalisation is measured; after it there is none."""

import pytest
import torch
from torch import nn

from bridle.auditing.checks.dropout_before_batch_norm import DropoutBeforeBatchNorm
from bridle.core import Place
from bridle.records import Severity
from bridle.regularizers.averaging import EMA


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


def placed(first):
    """A network with noise of a run at a place, before or behind the norm."""
    place = Place()
    place.perturb = lambda x, _: nn.functional.dropout(x, 0.5)
    middle = [place, nn.Linear(32, 8), nn.BatchNorm1d(8)] if first else [nn.Linear(32, 8), nn.BatchNorm1d(8), place]
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), *middle, nn.Linear(8, 3))


def test_a_place_of_a_run(observe, own_run):
    (finding,) = DropoutBeforeBatchNorm().look(observe(placed(True), run=own_run(of={"own_model": True})))
    assert finding.severity is Severity.WARNING
    assert finding.numbers["ratio"] > 1.2
    assert "or average the weights (ema)" in finding.message
    assert list(DropoutBeforeBatchNorm().look(observe(placed(False), run=own_run(of={"own_model": True})))) == []


def test_in_a_network_of_bridles_own_it_is_told_only(observe, own_run):
    (finding,) = DropoutBeforeBatchNorm().look(observe(placed(True), run=own_run()))
    assert finding.severity is Severity.INFO


def test_averaged_weights_of_a_run_have_statistics_of_their_own(observe, own_run):
    run = own_run(EMA(0.9), of={"own_model": True})
    assert list(DropoutBeforeBatchNorm().look(observe(placed(True), run=run))) == []


def test_a_place_without_noise(observe, own_run):
    model = placed(True)
    model[2].perturb = None
    assert list(DropoutBeforeBatchNorm().look(observe(model, run=own_run(of={"own_model": True})))) == []
