"""The bound on incoming weights against torch.renorm and Keras' MaxNorm."""

import numpy as np
import pytest
import torch

from bridle.core import Draws, Update
from bridle.errors import DialError
from bridle.regularizers.updates import MaxNorm
from bridle.testing import material

CPU = torch.device("cpu")


def bounded(weights, limit):
    """The weights after a step that moves nothing."""
    weights = [weight.clone() for weight in weights]
    update = Update([str(place) for place in range(len(weights))], [0.1] * len(weights), Draws(0, 0, 0), lambda: None)
    for _ in MaxNorm(limit).around(weights, update):
        pass
    return weights


@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_it_is_torchs_renorm(limit):
    weights = material.weights(CPU)
    for found, weight in zip(bounded(weights, limit), weights, strict=True):
        torch.testing.assert_close(found, torch.renorm(weight, 2, 0, limit), rtol=1e-6, atol=0)


def test_it_is_keras_max_norm():
    """Keras has ``w * clip(norm, 0, m) / (eps + norm)``, eps = 1e-7, on kernels with the outputs last."""
    weight = material.weights(CPU)[0]
    kernel = weight.T.numpy()
    norms = np.sqrt(np.sum(np.square(kernel), axis=0, keepdims=True))
    keras = kernel * (np.clip(norms, 0, 2.0) / (1e-7 + norms))
    np.testing.assert_allclose(bounded([weight], 2.0)[0].T.numpy(), keras, rtol=1e-6)


def test_what_lies_inside_stays_bit_for_bit_and_no_other_point_inside_is_nearer():
    weight = material.weights(CPU)[0]
    length = weight.norm(dim=1)
    limit = float(length.median())
    (found,) = bounded([weight], limit)
    inside = length <= limit
    assert torch.equal(found[inside], weight[inside])
    assert (found.norm(dim=1) <= limit * (1 + 1e-12)).all()
    assert inside.any()
    assert not inside.all()
    for trial in range(100):
        other = material.normal(f"other {trial}", 6, 5, device=CPU)
        other = other * (limit / other.norm(dim=1, keepdim=True)) * (trial / 99)
        assert ((other - weight).norm(dim=1) >= (found - weight).norm(dim=1) - 1e-12).all()


def test_a_vector_counts_each_entry_and_zeros_stay():
    assert bounded([torch.tensor([-3.0, 0.5, 0.0])], 1.0)[0].tolist() == [-1.0, 0.5, 0.0]


def test_it_acts_after_the_step():
    weight = torch.ones(2, 2)
    running = MaxNorm(1.0).around([weight], Update(["0"], [0.1], Draws(0, 0, 0), lambda: None))
    next(running)
    assert torch.equal(weight, torch.ones(2, 2))
    weight.mul_(100)
    assert next(running, "end") == "end"
    torch.testing.assert_close(weight.norm(dim=1), torch.ones(2))


def test_what_is_refused():
    with pytest.raises(DialError, match=r"MaxNorm.limit must lie in \(0, inf\); got 0"):
        MaxNorm(0)
