"""The minimax concave penalty against its derivative, integrated, and a brute-force minimum."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from bridle.regularizers.penalties import L1, MCP
from bridle.testing import material

CPU = torch.device("cpu")
STRENGTH = 0.4


def slope(size, gamma):
    """The derivative as the paper gives it, for a weight of some size."""
    return max(STRENGTH - size / gamma, 0.0)


def single(value):
    return [torch.tensor([value], dtype=torch.float64)]


@pytest.mark.parametrize("gamma", [1.0, 1.5, 3.0, 20.0])
@pytest.mark.parametrize("weight", [-9.0, -1.1, -0.3, 0.0, 0.2, 0.7, 1.3, 20.0])
def test_value_is_the_integral_of_the_derivative(weight, gamma):
    penalty = MCP(STRENGTH, gamma)
    breaks = sorted({min(point, abs(weight)) for point in (STRENGTH, gamma * STRENGTH)})
    expected = quad(slope, 0, abs(weight), args=(gamma,), points=breaks, epsabs=1e-13)[0]
    assert float(penalty.value(single(weight))) == pytest.approx(expected, abs=1e-11)
    (found,) = penalty.gradient(single(weight))
    assert float(found) == pytest.approx(np.sign(weight) * slope(abs(weight), gamma), abs=1e-12)


@pytest.mark.parametrize("gamma", [1.0, 1.5, 3.0, 20.0])
@pytest.mark.parametrize("step", [0.05, 0.8, 1.6, 3.5, 50.0])
def test_prox_is_the_minimum(step, gamma):
    """On a fine grid no place is lower: the global minimum, though the penalty is not convex."""
    penalty = MCP(STRENGTH, gamma)
    grid = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    near = grid.abs().clamp(max=gamma * STRENGTH)
    heights = STRENGTH * near - near.square() / (2 * gamma)
    for weight in torch.linspace(-11, 11, 111, dtype=torch.float64).tolist():
        (found,) = penalty.prox(single(weight), [step])
        reached = float(penalty.value([found]) + (found - weight).square() / (2 * step))
        lowest = float((heights + (grid - weight).square() / (2 * step)).min())
        assert reached <= lowest + 1e-12


def test_a_step_for_each_weight_is_each_weights_step():
    penalty, weights = MCP(STRENGTH), material.normal("mcp", 40, device=CPU)
    steps = 10 ** material.normal("mcp steps", 40, device=CPU)
    (found,) = penalty.prox([weights], [steps])
    for x, weight, step in zip(found, weights, steps, strict=True):
        (expected,) = penalty.prox([weight[None]], [float(step)])
        assert float(x) == pytest.approx(float(expected), abs=1e-12)


def test_far_reaching_it_is_l1():
    weights = material.weights(CPU)
    for found, expected in zip(MCP(0.1, 1e9).prox(weights, [2.0] * 3), L1(0.1).prox(weights, [2.0] * 3), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


def test_large_weights_are_left_alone():
    (found,) = MCP(0.1, 3.0).prox(single(5.0), [1.0])
    assert float(found) == 5.0
