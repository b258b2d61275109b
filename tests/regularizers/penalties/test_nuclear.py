"""Nuclear norm against numpy, and a matrix completed."""

import numpy as np
import pytest
import torch

from bridle.regularizers.penalties import Nuclear
from bridle.testing import material

CPU = torch.device("cpu")


def test_value_is_numpys():
    weights = material.weights(CPU)
    expected = sum(np.linalg.norm(weight.flatten(1).numpy(), "nuc") for weight in weights)
    assert float(Nuclear(0.3).value(weights)) == pytest.approx(0.3 * expected)


@pytest.mark.parametrize("step", [0.5, 2.0])
def test_prox_takes_from_every_singular_value(step):
    weight = material.normal("nuclear", 7, 5, device=CPU)
    (found,) = Nuclear(0.8).prox([weight], [step])
    expected = (torch.linalg.svdvals(weight) - 0.8 * step).clamp(min=0)
    torch.testing.assert_close(torch.linalg.svdvals(found), expected, rtol=0, atol=1e-12)


def test_all_is_zero_beyond_the_largest_singular_value():
    weight = material.normal("nuclear", 7, 5, device=CPU)
    top = float(torch.linalg.matrix_norm(weight, 2))
    assert torch.equal(Nuclear(1.0).prox([weight], [top * 1.001])[0], torch.zeros(7, 5, dtype=torch.float64))
    assert Nuclear(1.0).prox([weight], [top * 0.999])[0].abs().max() > 0


def test_at_a_singular_value_of_zero_the_gradient_is_that_of_least_norm():
    left, right = material.normal("left", 6, 2, device=CPU), material.normal("right", 2, 4, device=CPU)
    (slope,) = Nuclear(1.0).gradient([left @ right])
    torch.testing.assert_close(
        torch.linalg.svdvals(slope), torch.tensor([1.0, 1.0, 0.0, 0.0]).double(), rtol=0, atol=1e-9
    )
    assert torch.equal(Nuclear(1.0).gradient([torch.zeros(3, 3)])[0], torch.zeros(3, 3))


def test_proximal_steps_recover_a_matrix_of_low_rank():
    """Half of the entries of a matrix of rank 2 are known; the others come back (Cai, Candes and Shen 2010)."""
    whole = material.normal("tall", 40, 2, device=CPU) @ material.normal("wide", 2, 30, device=CPU)
    known = material.uniform("known", 40, 30, device=CPU) < 0.5
    found = torch.zeros_like(whole)
    for _ in range(1000):
        (found,) = Nuclear(0.1).prox([found - (found - whole) * known], [1.0])
    assert (found - whole)[~known].norm() / whole[~known].norm() < 0.02
    assert int((torch.linalg.svdvals(found) > 1e-9).sum()) == 2
