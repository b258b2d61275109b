"""An averaged model without update_bn is found by its statistics; after update_bn it passes."""

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn

from bridle.auditing.checks.stale_batch_norm import StaleBatchNorm
from bridle.records import Severity
from bridle.regularizers.averaging import EMA


@pytest.fixture
def averaged():
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    average = AveragedModel(model)
    with torch.no_grad():
        model[0].weight.mul_(3)
    average.update_parameters(model)
    return average


def test_stale(observe, averaged):
    observed = observe(averaged)
    held = averaged.module[1].running_var.clone()
    (finding,) = StaleBatchNorm().look(observed)
    assert finding.severity is Severity.ERROR
    assert finding.numbers["module"] == "module.1"
    assert finding.numbers["distance"] > 0.25
    torch.testing.assert_close(averaged.module[1].running_var, held, rtol=0, atol=0)
    assert averaged.module[1].momentum == 0.1


def test_recomputed(observe, averaged):
    observed = observe(averaged)
    update_bn(observed.loader, averaged)
    assert list(StaleBatchNorm().look(observed)) == []


@pytest.fixture
def normed(observe):
    """A network whose statistics are those of its rows."""
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    observed = observe(model)
    update_bn(observed.loader, model)
    return observed


def test_averaged_weights_of_a_run(normed, own_run):
    normed.run = own_run(EMA(0.9))
    assert list(StaleBatchNorm().look(normed)) == []
    normed.model[1].running_var.mul_(4.0)
    (finding,) = StaleBatchNorm().look(normed)
    assert finding.numbers["module"] == "1"
    assert "Bridle takes them anew after averaging" in finding.message
    normed.model[1].eval()  # kept so by the user
    assert list(StaleBatchNorm().look(normed)) == []


def test_weights_of_a_run_that_are_no_average(normed, own_run):
    normed.model[1].running_var.mul_(4.0)
    normed.run = own_run()
    assert list(StaleBatchNorm().look(normed)) == []
