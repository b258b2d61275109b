"""Sparse group lasso against its two parts and the conditions of optimality."""

import torch

from bridle.regularizers.penalties import L1, GroupLasso, SparseGroupLasso
from bridle.testing import material

CPU = torch.device("cpu")


def test_it_is_the_sum_of_both():
    weights = material.weights(CPU)
    both, parts = SparseGroupLasso(l1=0.2, group=0.3, groups="inputs"), (L1(0.2), GroupLasso(0.3, groups="inputs"))
    torch.testing.assert_close(both.value(weights), sum(part.value(weights) for part in parts))
    for found, *expected in zip(both.gradient(weights), *(part.gradient(weights) for part in parts), strict=True):
        torch.testing.assert_close(found, sum(expected))


def test_prox_meets_the_condition_of_optimality_in_any_diagonal_metric():
    """``(w - x) / step - group x / ||x||`` is a subgradient of the absolute values, wherever the group is kept."""
    weight = material.normal("sparse group", 100, 16, device=CPU) * torch.logspace(-3, 1, 100).double()[:, None]
    step = 10 ** material.normal("sparse steps", 100, 16, device=CPU).clamp(-2, 2)
    (x,) = SparseGroupLasso(l1=0.3, group=0.25).prox([weight], [step])
    kept = x.norm(dim=1) > 0
    assert 0 < int(kept.sum()) < 100
    rest = ((weight - x) / step)[kept] - (x / x.norm(dim=1, keepdim=True))[kept]  # 0.25 * sqrt(16)
    zero = x[kept] == 0
    assert 0 < int(zero.sum()) < zero.numel()
    assert (rest[zero].abs() <= 0.3 + 1e-9).all()
    torch.testing.assert_close(rest[~zero], 0.3 * x[kept][~zero].sign(), rtol=0, atol=1e-7)
    dropped = (weight / step)[~kept]
    assert ((dropped.abs() - 0.3).clamp(min=0).norm(dim=1) <= 1 + 1e-9).all()


def test_one_step_is_the_same_step_for_each_weight():
    weights = material.weights(CPU)
    penalty = SparseGroupLasso(l1=0.1, group=0.2)
    ragged = penalty.prox(weights, [torch.full_like(weight, 0.7) for weight in weights])
    for found, expected in zip(ragged, penalty.prox(weights, [0.7] * 3), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
