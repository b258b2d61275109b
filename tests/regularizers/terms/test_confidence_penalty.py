"""The confidence penalty against the entropy of torch's and scipy's distributions."""

import math

import pytest
import scipy.stats
import torch
from torch.distributions import Categorical

from bridle.core import Draws, Forward
from bridle.errors import DialError
from bridle.regularizers.terms import ConfidencePenalty
from bridle.testing import material

CPU, DRAWS = torch.device("cpu"), Draws(0, 0, 0)
LOGITS = 3 * material.normal("logits", 9, 6, device=CPU)


def values(logits, strength=0.3):
    return ConfidencePenalty(strength).per_example(Forward(torch.zeros(len(logits), 1), logits), DRAWS)


def test_it_is_what_the_entropy_falls_short_of_its_largest():
    torch.testing.assert_close(values(LOGITS), 0.3 * (math.log(6) - Categorical(logits=LOGITS).entropy()))
    entropy = scipy.stats.entropy(LOGITS.softmax(1).numpy(), axis=1)
    torch.testing.assert_close(values(LOGITS), 0.3 * (math.log(6) - torch.from_numpy(entropy)))


def test_its_gradient_is_that_of_the_entropy():
    """Pereyra et al. 2017, section 3.1: ``dH / dz_i = p_i (-log p_i - H)``."""
    logits = LOGITS.clone().requires_grad_()
    (slope,) = torch.autograd.grad(values(logits, 1.0).sum(), logits)
    shares = LOGITS.softmax(1)
    entropy = Categorical(logits=LOGITS).entropy()[:, None]
    torch.testing.assert_close(slope, -shares * (-shares.log() - entropy))


def test_extremes():
    assert float(values(torch.zeros(1, 5))) == pytest.approx(0, abs=1e-7)
    certain = torch.tensor([[0.0, 1e4, 0.0]], requires_grad=True)
    value = values(certain, 1.0)
    assert float(value.detach()) == pytest.approx(math.log(3))
    assert torch.autograd.grad(value.sum(), certain)[0].isfinite().all()


@pytest.mark.parametrize("shape", [(4, 1), (4,), (4, 3, 2)])
def test_outputs_that_are_no_rows_of_logits_are_refused(shape):
    reason = ConfidencePenalty(0.1).refuses(Forward(torch.zeros(4, 1), torch.zeros(shape)))
    assert reason == f"takes logits of shape (B, C), C > 1; the network's output has shape {shape}"
    assert ConfidencePenalty(0.1).refuses(Forward(torch.zeros(4, 1), torch.zeros(4, 3))) == ""


def test_what_is_refused():
    with pytest.raises(DialError, match=r"ConfidencePenalty.strength must be a number in \[0, inf\); got 'high'"):
        ConfidencePenalty("high")
