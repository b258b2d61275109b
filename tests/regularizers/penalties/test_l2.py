"""L2 against torch's own decay under SGD and scikit-learn's Ridge."""

import pytest
import torch
from sklearn.linear_model import Ridge

from bridle.regularizers.penalties import L2
from bridle.testing import material

CPU = torch.device("cpu")


def test_value_is_half_the_sum_of_squares():
    weights = material.weights(CPU)
    assert float(L2(0.3).value(weights)) == pytest.approx(0.15 * sum(float(w.norm() ** 2) for w in weights))


def test_gradient_is_what_torch_adds_for_its_weight_decay():
    weight = torch.nn.Parameter(material.weights(CPU)[0])
    before = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    torch.optim.SGD([weight], lr=0.5, weight_decay=0.1).step()
    (slope,) = L2(0.1).gradient([before])
    torch.testing.assert_close(weight.detach(), before - 0.5 * slope)


def test_descent_solves_ridge_regression():
    x, y = material.normal("ridge x", 50, 6, device=CPU), material.normal("ridge y", 50, device=CPU)
    ridge = Ridge(alpha=0.2 * 50, fit_intercept=False).fit(x.numpy(), y.numpy())
    weight = torch.zeros(6, dtype=torch.float64)
    for _ in range(1000):
        weight = weight - 0.3 * (x.T @ (x @ weight - y) / 50 + L2(0.2).gradient([weight])[0])
    torch.testing.assert_close(weight, torch.from_numpy(ridge.coef_), rtol=0, atol=1e-10)
