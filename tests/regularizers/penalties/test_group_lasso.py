"""Group lasso against brute force and the conditions of optimality."""

import pytest
import torch
from scipy.optimize import minimize

from bridle.regularizers.penalties import L1, GroupLasso
from bridle.testing import material

CPU = torch.device("cpu")


def shrunk(weight, step, strength):
    """The proximal step of one group by a general minimiser, from several starts; zero where nothing else is lower."""

    def objective(x):
        x = torch.from_numpy(x)
        return float(strength * x.norm() + ((x - weight).square() / (2 * step)).sum())

    starts = [weight.numpy(), 1e-3 * weight.numpy()]
    options = {"xatol": 1e-9, "fatol": 1e-16, "maxiter": 3000, "maxfev": 3000}
    found = [minimize(objective, start, method="Nelder-Mead", options=options) for start in starts]
    best = min(found, key=lambda result: result.fun)
    zero = torch.zeros_like(weight)
    return zero if objective(zero.numpy()) <= best.fun else torch.from_numpy(best.x)


@pytest.mark.parametrize("strength", [0.05, 0.6, 2.0])
@pytest.mark.parametrize("steps", [[1.0, 1.0, 1.0], [0.1, 1.0, 10.0], [1e-3, 0.5, 2.0], [5.0, 1e-4, 0.2]])
@pytest.mark.parametrize("weight", [[1.0, -0.5, 0.2], [0.01, 2.0, -0.03], [0.0, 0.4, 0.0]])
def test_prox_is_the_minimum_in_any_diagonal_metric(weight, steps, strength):
    weight, steps = torch.tensor([weight], dtype=torch.float64), torch.tensor([steps], dtype=torch.float64)
    (found,) = GroupLasso(strength / 3**0.5).prox([weight], [steps])
    torch.testing.assert_close(found[0], shrunk(weight[0], steps[0], strength), rtol=0, atol=2e-6)


@pytest.mark.parametrize("groups", ["neurons", "inputs", "kernels"])
@pytest.mark.parametrize("step", [0.1, 3.0])
def test_a_step_for_each_weight_that_is_the_same_is_one_step(groups, step):
    weights = material.weights(CPU)
    penalty = GroupLasso(0.4, groups=groups)
    ragged = penalty.prox(weights, [torch.full_like(weight, step) for weight in weights])
    for found, expected in zip(ragged, penalty.prox(weights, [step] * len(weights)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_steps_of_adam_that_differ_by_far_leave_the_condition_of_optimality(dtype):
    """``(w - x) / step = strength x / ||x||`` in a group that is kept, ``||w / step|| <= strength`` in others."""
    weight = material.normal("group", 200, 64, device=CPU) * torch.logspace(-8, 0, 200, dtype=torch.float64)[:, None]
    step = 10 ** (3 * material.normal("steps", 200, 64, device=CPU).clamp(-2, 2))
    (x,) = (item.double() for item in GroupLasso(0.5).prox([weight.to(dtype)], [step.to(dtype)]))
    kept = x.norm(dim=1) > 0
    assert 0 < int(kept.sum()) < 200
    pull = ((weight - x) / step)[kept]
    wanted = 4 * (x / x.norm(dim=1, keepdim=True))[kept]  # 0.5 * sqrt(64)
    torch.testing.assert_close(
        pull * step[kept], wanted * step[kept], rtol=1e-9 if dtype == torch.float64 else 1e-3, atol=1e-6
    )
    assert ((weight / step)[~kept].norm(dim=1) <= 4 * (1 + 1e-6)).all()


def test_groups_are_rows_columns_and_kernels():
    kernel = material.normal("kernel", 3, 4, 2, 2, device=CPU)
    expected = {
        "neurons": 4 * kernel.flatten(1).norm(dim=1).sum(),
        "inputs": 12**0.5 * kernel.transpose(0, 1).flatten(1).norm(dim=1).sum(),
        "kernels": 2 * kernel.flatten(2).norm(dim=2).sum(),
    }
    for groups, value in expected.items():
        torch.testing.assert_close(GroupLasso(1.0, groups=groups).value([kernel]), value)


def test_a_bias_is_a_group_for_each_entry():
    bias = material.normal("bias", 5, device=CPU)
    for steps in ([0.3], [torch.full_like(bias, 0.3)]):
        (found,) = GroupLasso(0.7, scope="all").prox([bias], steps)
        (expected,) = L1(0.7).prox([bias], [0.3])
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-15)


def test_proximal_steps_reach_the_optimum_of_a_regression():
    """Least squares with groups of four inputs: zero exactly where the gradient's norm allows it."""
    x = material.normal("group x", 80, 6, 4, device=CPU)
    y = x[:, 0].sum(1) - 2 * x[:, 3, 0] + material.normal("group y", 80, device=CPU)
    penalty, step = GroupLasso(0.35), 1 / float(torch.linalg.matrix_norm(x.flatten(1), 2) ** 2 / 80)
    weight = torch.zeros(6, 4, dtype=torch.float64)

    def slope(weight):
        return torch.einsum("nij,n->ij", x, torch.einsum("nij,ij->n", x, weight) - y) / 80

    for _ in range(4000):
        (weight,) = penalty.prox([weight - step * slope(weight)], [step])
    kept = weight.norm(dim=1) > 0
    assert 0 < int(kept.sum()) < 6
    pull = -slope(weight)
    assert (pull[~kept].norm(dim=1) < 0.7).all()
    torch.testing.assert_close(
        pull[kept], 0.7 * weight[kept] / weight[kept].norm(dim=1, keepdim=True), rtol=0, atol=1e-10
    )
