"""The divergence against torch's own, and a sparse autoencoder."""

import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from bridle.core import Draws, Forward
from bridle.errors import DialError, RecipeError
from bridle.regularizers.terms import KLSparsity
from bridle.testing import material

CPU, DRAWS = torch.device("cpu"), Draws(0, 0, 0)
LOGITS = material.normal("logits", 10, 7, device=CPU)


def seen(*activations):
    return Forward(torch.zeros(10, 2), torch.zeros(10, 3), activations)


def divergence(rates, target):
    return kl_divergence(Bernoulli(torch.tensor(target, dtype=torch.float64)), Bernoulli(rates.mean(0))).sum()


def test_it_is_torchs_divergence_of_the_mean_rates_for_every_example():
    maps = material.normal("maps", 10, 2, 3, 3, device=CPU).sigmoid()
    found = KLSparsity(0.3, target=0.1).per_example(seen(LOGITS.sigmoid(), maps), DRAWS)
    expected = 0.3 * (divergence(LOGITS.sigmoid(), 0.1) + divergence(maps, 0.1))
    torch.testing.assert_close(found, expected.expand(10))


def test_a_sigmoid_may_be_put_on_top():
    found = KLSparsity(0.3, target=0.1, squash="sigmoid").per_example(seen(LOGITS), DRAWS)
    torch.testing.assert_close(found, 0.3 * divergence(LOGITS.sigmoid(), 0.1).expand(10))


def test_units_at_the_target_cost_nothing_and_saturated_ones_stay_finite():
    at_target = torch.full((10, 4), 0.05, dtype=torch.float64)
    assert float(KLSparsity(1.0).per_example(seen(at_target), DRAWS)[0]) == pytest.approx(0, abs=1e-15)
    for rate in (0.0, 1.0):
        full = torch.full((10, 4), rate, requires_grad=True)
        value = KLSparsity(1.0).per_example(seen(full), DRAWS).mean()
        (slope,) = torch.autograd.grad(value, full)
        assert value.isfinite()
        assert slope.isfinite().all()


def test_descent_reaches_the_target_rate():
    logits = LOGITS.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], 0.1)
    for _ in range(300):
        optimizer.zero_grad()
        KLSparsity(1.0, target=0.2, squash="sigmoid").per_example(seen(logits), DRAWS).mean().backward()
        optimizer.step()
    torch.testing.assert_close(logits.sigmoid().mean(0), torch.full((7,), 0.2).double(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("activations", [LOGITS, LOGITS.relu(), LOGITS.exp(), LOGITS * torch.nan])
def test_activations_that_are_no_rates_are_refused(activations):
    reason = KLSparsity(1.0).refuses(seen(activations))
    assert reason.startswith("takes activations in (0, 1); these lie in [")
    assert 'the layers before their activation function with squash = "sigmoid"' in reason


def test_rates_are_taken():
    assert KLSparsity(1.0).refuses(seen(LOGITS.sigmoid())) == ""
    assert KLSparsity(1.0, squash="sigmoid").refuses(seen(LOGITS)) == ""


def test_what_is_refused():
    with pytest.raises(DialError, match=r"KLSparsity.target must lie in \(0, 1\); got 1"):
        KLSparsity(0.1, target=1.0)
    with pytest.raises(RecipeError, match=r"KLSparsity.squash must be one of none, sigmoid; got 'tanh'"):
        KLSparsity(0.1, squash="tanh")
