"""The bound on a step's spectral norm against numpy."""

import numpy as np
import pytest
import torch

from bridle.core import Draws, Update
from bridle.errors import DialError
from bridle.regularizers.updates import SpectralStep
from bridle.testing import material

CPU, RATE = torch.device("cpu"), 0.1


def stepped(limit, size):
    """Weights before, after a bare step of generic matrices, and after that step with the rule around it."""
    before = material.weights(CPU)
    weights = [weight.clone() for weight in before]
    steps = [size * material.normal(f"step {w.shape}", *w.shape, device=CPU) for w in weights]
    for _ in SpectralStep(limit).around(weights, Update(["0", "1", "2"], [RATE] * 3, Draws(0, 0, 0), lambda: None)):
        for weight, step in zip(weights, steps, strict=True):
            weight.add_(step)
    return before, [weight + step for weight, step in zip(before, steps, strict=True)], weights


def test_a_long_step_is_scaled_to_the_limit_per_unit_of_learning_rate():
    for before, plain, after in zip(*stepped(0.7, size=1.0), strict=True):
        found, step = (after - before).flatten(1).numpy(), (plain - before).flatten(1).numpy()
        assert np.linalg.norm(found, 2) == pytest.approx(0.7 * RATE, rel=1e-9)
        np.testing.assert_allclose(found, step * (0.07 / np.linalg.norm(step, 2)), rtol=1e-9, atol=1e-14)


def test_a_short_step_stays_bit_for_bit():
    for _, plain, after in zip(*stepped(0.7, size=1e-3), strict=True):
        assert torch.equal(plain, after)


def test_a_vector_is_measured_by_its_length():
    weight = torch.zeros(4, dtype=torch.float64)
    for _ in SpectralStep(1.0).around([weight], Update(["0"], [RATE], Draws(0, 0, 0), lambda: None)):
        weight.add_(torch.tensor([3.0, 4.0, 0.0, 0.0]))
    torch.testing.assert_close(weight, torch.tensor([0.06, 0.08, 0.0, 0.0], dtype=torch.float64))


def test_what_is_refused():
    with pytest.raises(DialError, match=r"SpectralStep.limit must lie in \(0, inf\); got 0"):
        SpectralStep(0)
