"""L1 against torch's soft shrinkage, scikit-learn's Lasso and a closed form."""

import pytest
import torch
from sklearn.linear_model import Lasso

from bridle.regularizers.penalties import L1
from bridle.testing import material


def test_value_is_the_sum_of_absolute_values():
    weights = material.weights(torch.device("cpu"))
    expected = 0.3 * sum(float(weight.norm(p=1)) for weight in weights)
    assert float(L1(0.3).value(weights)) == pytest.approx(expected)


def test_gradient_at_zero_is_zero():
    (slope,) = L1(0.3).gradient([torch.tensor([-2.0, 0.0, 5.0])])
    torch.testing.assert_close(slope, torch.tensor([-0.3, 0.0, 0.3]))


@pytest.mark.parametrize("step", [0.1, 1.0, 7.0])
def test_prox_is_soft_shrinkage(step):
    weights = material.weights(torch.device("cpu"))
    for found, weight in zip(L1(0.2).prox(weights, [step] * 3), weights, strict=True):
        torch.testing.assert_close(found, torch.nn.functional.softshrink(weight, 0.2 * step))


def test_prox_takes_a_step_per_weight():
    weight = torch.tensor([1.0, 1.0, -1.0, 0.1], dtype=torch.float64)
    step = torch.tensor([0.5, 1.0, 2.0, 1.0], dtype=torch.float64)
    (found,) = L1(0.4).prox([weight], [step])
    torch.testing.assert_close(found, torch.tensor([0.8, 0.6, -0.2, 0.0], dtype=torch.float64))


def test_small_weights_become_exact_zeros():
    weight = torch.linspace(-0.2, 0.2, 101)
    (found,) = L1(0.2).prox([weight], [1.0])
    assert int((found != 0).sum()) == 0


def test_proximal_steps_solve_the_lasso():
    x = material.normal("lasso x", 60, 8, device=torch.device("cpu"))
    y = x @ torch.tensor([3.0, -2.0, 1.0, 0, 0, 0, 0, 0], dtype=torch.float64) + material.normal(
        "lasso y", 60, device=torch.device("cpu")
    )
    lasso = Lasso(alpha=0.3, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(x.numpy(), y.numpy())
    step = 1 / float(torch.linalg.matrix_norm(x, 2) ** 2 / 60)
    weight = torch.zeros(8, dtype=torch.float64)
    for _ in range(2000):
        (weight,) = L1(0.3).prox([weight - step * x.T @ (x @ weight - y) / 60], [step])
    torch.testing.assert_close(weight, torch.from_numpy(lasso.coef_), rtol=0, atol=1e-10)
    assert torch.equal(weight == 0, torch.from_numpy(lasso.coef_ == 0))
    assert int((weight == 0).sum()) > 0
