"""Dropout against the textbook formula and torch's own."""

import math

import pytest
import torch

from bridle.core import between
from bridle.errors import DialError
from bridle.regularizers.noise import Dropout


def test_what_is_dropped_is_zero_and_the_rest_scaled():
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    uniforms = torch.tensor([0.1, 0.25, 0.2, 0.9])
    torch.testing.assert_close(Dropout(0.25).apply(x, uniforms), torch.tensor([0.0, 8 / 3, 0.0, 16 / 3]))


def test_its_moments_are_those_of_torchs_dropout():
    generator = torch.Generator().manual_seed(0)
    found = Dropout(0.3).apply(torch.ones(200_000), torch.rand(200_000, generator=generator))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = torch.nn.functional.dropout(torch.ones(200_000), 0.3)
    assert float(found.mean()) == pytest.approx(float(expected.mean()), abs=0.01)
    assert float(found.var()) == pytest.approx(float(expected.var()), abs=0.01)
    assert float((found == 0).float().mean()) == pytest.approx(0.3, abs=0.005)
    torch.testing.assert_close(found.unique(), expected.unique())


@pytest.mark.parametrize("k", [-4.0, -0.5, 0.0, 0.7])
def test_k_is_the_logit_of_the_rate(k):
    x, uniforms = torch.ones(1000), torch.linspace(0, 0.999, 1000)
    rate = 1 / (1 + math.exp(-k))
    assert Dropout(k=k).share() == pytest.approx(rate)
    torch.testing.assert_close(Dropout(k=k).apply(x, uniforms), Dropout(rate).apply(x, uniforms))


@pytest.mark.parametrize("arguments", [{}, {"rate": 0.5, "k": 0.0}, {"rate": None, "k": None}])
def test_exactly_one_of_rate_and_k(arguments):
    with pytest.raises(DialError, match=r"Dropout takes exactly one of rate, in \[0, 1\), and k, .*; got rate="):
        Dropout(**arguments)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5])
def test_a_rate_is_a_probability_below_one(rate):
    with pytest.raises(DialError, match=r"Dropout.rate must lie in \[0, 1\); got"):
        Dropout(rate)


def test_either_may_be_free():
    assert Dropout(between(0, 0.5)).free() == {"rate": between(0, 0.5)}
    assert Dropout(k=between(-3, 0)).free() == {"k": between(-3, 0)}


def test_it_acts_at_all_places_by_default():
    assert Dropout(0.5).scope == "all"
    assert Dropout(0.5, scope={"names": "head.*"}).scope == {"names": "head.*"}


def test_a_float64_network_stays_one():
    x = torch.ones(4, dtype=torch.float64)
    assert Dropout(0.5).apply(x, torch.rand(4, generator=torch.Generator().manual_seed(0))).dtype == torch.float64
