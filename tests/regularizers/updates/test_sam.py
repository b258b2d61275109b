"""SAM against its definition on a quadratic, and against flatness itself."""

import pytest
import torch

from bridle.core import Draws, Update
from bridle.errors import DialError
from bridle.regularizers.updates import SAM
from bridle.testing import material

CPU = torch.device("cpu")


def climb(weights, function, radius):
    """The gradients at the step, and where the rule asked for one."""
    asked = []

    def gradient_at():
        asked.append([weight.detach().clone() for weight in weights])
        with torch.enable_grad():
            leaves = [weight.detach().requires_grad_() for weight in weights]
            slopes = torch.autograd.grad(function(leaves), leaves)
        for weight, slope in zip(weights, slopes, strict=True):
            weight.grad = slope

    gradient_at()
    asked.clear()
    next(
        SAM(radius).around(
            weights,
            Update([str(place) for place in range(len(weights))], [0.1] * len(weights), Draws(0, 0, 0), gradient_at),
        )
    )
    return [weight.grad for weight in weights], asked


def test_the_gradient_is_that_at_the_point_uphill():
    """On ``1/2 w'Aw`` it is ``A (w + radius * Aw / ||Aw||)``, in closed form."""
    root = material.normal("root", 8, 8, device=CPU)
    matrix = root @ root.T
    before = material.normal("start", 8, device=CPU)
    weight = before.clone()
    (found,), asked = climb([weight], lambda leaves: leaves[0] @ matrix @ leaves[0] / 2, 0.3)
    slope = matrix @ before
    uphill = before + 0.3 * slope / slope.norm()
    torch.testing.assert_close(asked[0][0], uphill)
    torch.testing.assert_close(found, matrix @ uphill)
    assert len(asked) == 1
    assert torch.equal(weight, before)


def test_the_norm_is_that_of_all_weights_together():
    before = material.weights(CPU)
    weights = [weight.clone() for weight in before]
    _, asked = climb(weights, lambda leaves: sum((leaf**4).sum() for leaf in leaves), 0.5)
    moved = torch.cat([(a - b).flatten() for a, b in zip(asked[0], before, strict=True)])
    assert float(moved.norm()) == pytest.approx(0.5, rel=1e-12)
    assert all(torch.equal(a, b) for a, b in zip(weights, before, strict=True))


def test_float32_weights_come_back_bit_for_bit():
    before = material.normal("wide range", 1000, device=CPU, dtype=torch.float32).exp()
    weight = before.clone()
    climb([weight], lambda leaves: leaves[0].square().sum(), 0.37)
    assert torch.equal(weight, before)


def test_without_a_slope_nothing_moves():
    weight = torch.zeros(3)
    (found,), asked = climb([weight], lambda leaves: leaves[0].square().sum(), 0.5)
    assert torch.equal(asked[0][0], torch.zeros(3))
    assert torch.equal(found, torch.zeros(3))


def test_it_leaves_a_sharp_minimum_for_a_flat_one():
    """Two minima of the same depth: a narrow one at 0 and a wide one at 3."""

    def height(leaves):
        (x,) = leaves
        return torch.minimum(50 * x.square(), 0.1 * (x - 3).square()).sum()

    ends = {}
    for radius in (0.0, 0.5):
        weight = torch.tensor([0.05], dtype=torch.float64)
        for _ in range(500):
            (slope,), _ = climb([weight], height, radius)
            weight -= 0.005 * slope
        ends[radius] = float(weight)
    assert ends[0.0] == pytest.approx(0, abs=1e-3)
    assert ends[0.5] > 0.3


def test_what_is_refused():
    with pytest.raises(DialError, match=r"SAM.radius must lie in \[0, inf\); got -0.05"):
        SAM(-0.05)
