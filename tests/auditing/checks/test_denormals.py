"""Denormal weights and moments are found and counted, flushing or not; small normal ones pass."""

import pytest
import torch

from bridle.auditing.checks.denormals import Denormals


@pytest.mark.parametrize("flush", [False, True])
def test_denormal_weights_and_moments(observe, linear, flush):
    observed = observe(linear)
    observed.step(next(iter(observed.loader)))
    small = torch.full((4, 6), 2**-130)
    with torch.no_grad():
        linear[0].weight[:4] = small
        observed.optimizer.state[linear[2].weight]["exp_avg"].fill_(2**-140)
    torch.set_flush_denormal(flush)
    (finding,) = Denormals().look(observed)
    assert finding.numbers["shares"] == {"0.weight": 0.5, "2.weight (exp_avg)": 1.0}
    assert "2.weight (exp_avg) most (100.0%)" in finding.message


def test_double_precision(observe, linear):
    observed = observe(linear.double())
    with torch.no_grad():
        linear[0].weight.fill_(1e-310)
    (finding,) = Denormals().look(observed)
    assert finding.numbers["shares"] == {"0.weight": 1.0}


def test_zeros_and_small_normal_numbers(observe, linear):
    observed = observe(linear)
    with torch.no_grad():
        linear[0].weight.fill_(2e-38)
        linear[2].weight.zero_()
    assert list(Denormals().look(observed)) == []
