"""Elastic net against scikit-learn and a brute-force minimum."""

import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.linear_model import ElasticNet as Reference

from bridle.regularizers.penalties import L1, L2, ElasticNet
from bridle.testing import material

CPU = torch.device("cpu")


def test_it_is_the_sum_of_both():
    weights = material.weights(CPU)
    both = ElasticNet(l1=0.3, l2=0.7)
    torch.testing.assert_close(both.value(weights), L1(0.3).value(weights) + L2(0.7).value(weights))
    for found, first, second in zip(
        both.gradient(weights), L1(0.3).gradient(weights), L2(0.7).gradient(weights), strict=True
    ):
        torch.testing.assert_close(found, first + second)


@pytest.mark.parametrize("step", [0.1, 2.0])
@pytest.mark.parametrize("weight", [-1.5, -0.05, 0.3, 4.0])
def test_prox_is_the_minimum(weight, step):
    def objective(x):
        return 0.3 * abs(x) + 0.35 * x * x + (x - weight) ** 2 / (2 * step)

    best = minimize_scalar(objective, bounds=(-5, 5), method="bounded", options={"xatol": 1e-10}).x
    (found,) = ElasticNet(l1=0.3, l2=0.7).prox([torch.tensor([weight], dtype=torch.float64)], [step])
    assert float(found) == pytest.approx(best, abs=1e-6)


def test_proximal_steps_solve_scikit_learns_problem():
    x = material.normal("net x", 60, 8, device=CPU)
    y = x[:, :3] @ torch.tensor([3.0, -2.0, 1.0], dtype=torch.float64) + material.normal("net y", 60, device=CPU)
    net = Reference(alpha=0.5, l1_ratio=0.6, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(x.numpy(), y.numpy())
    penalty = ElasticNet(l1=0.5 * 0.6, l2=0.5 * 0.4)
    step = 1 / float(torch.linalg.matrix_norm(x, 2) ** 2 / 60)
    weight = torch.zeros(8, dtype=torch.float64)
    for _ in range(2000):
        (weight,) = penalty.prox([weight - step * x.T @ (x @ weight - y) / 60], [step])
    torch.testing.assert_close(weight, torch.from_numpy(net.coef_), rtol=0, atol=1e-10)
    assert torch.equal(weight == 0, torch.from_numpy(net.coef_ == 0))
    assert int((weight == 0).sum()) > 0
