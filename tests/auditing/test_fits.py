"""Least squares against numbers by hand and closed forms."""

import math

import pytest
import torch

from bridle.auditing.fits import Fit, dot, elastic, norm, proportion


def weights(seed=0, *shape):
    return torch.randn(shape or (7, 5), generator=torch.Generator().manual_seed(seed))


def test_norm_dot_and_proportion_by_hand():
    assert norm(torch.tensor([3.0, 4.0])) == 5.0
    assert norm(None) == 0.0
    assert dot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])) == 11.0
    factor, share = proportion(torch.tensor([2.0, 1.0]), torch.tensor([1.0, 0.0]))
    assert (factor, share) == (2.0, pytest.approx(0.8))
    assert all(map(math.isnan, proportion(torch.zeros(2), torch.ones(2))))
    assert all(map(math.isnan, proportion(torch.ones(2), torch.zeros(2))))
    assert all(map(math.isnan, proportion(torch.tensor([math.inf, 1.0]), torch.ones(2))))


@pytest.mark.parametrize(("l2", "l1"), [(0.01, 0.0), (0.0, 0.002), (0.01, 0.001), (0.01, -0.001), (1e-3, 5.0)])
def test_both_at_once(l2, l1):
    at = weights()
    fit = elastic([(l2 * at + l1 * at.sign(), at)])
    assert (fit.l2, fit.l1) == (pytest.approx(l2, rel=1e-5, abs=0), pytest.approx(l1, rel=1e-5, abs=0))
    assert fit.known
    assert fit.reach == 1.0
    torch.testing.assert_close(fit.gradient(at), l2 * at + l1 * at.sign())


def test_other_penalties_are_unknown():
    at = weights()
    for gradient in (at.pow(3), at / at.norm(dim=1, keepdim=True), weights(1), at * torch.inf):
        assert not elastic([(gradient, at)]).known


def test_a_second_point_tells_l1_from_l2_where_weights_are_of_one_size():
    one, other = torch.ones(6), torch.linspace(0.5, 1.5, 6)
    assert elastic([(0.3 * one, one), (0.3 * other, other)])[:3] == (pytest.approx(0.3), 0.0, True)
    assert elastic([(0.3 * one, one), (0.3 * one, other)])[:3] == (0.0, pytest.approx(0.3), True)


def test_a_second_point_tells_a_group_lasso_whose_groups_are_of_one_length():
    def slope(value):
        return 0.1 * value / value.norm(dim=1, keepdim=True)

    at, other = torch.tensor([[3.0, 4.0], [4.0, -3.0]]), torch.tensor([[3.3, 2.0], [6.0, -2.4]])
    assert elastic([(slope(at), at)])[:3] == (pytest.approx(0.02), 0.0, True)  # one point is not enough
    assert not elastic([(slope(at), at), (slope(other), other)]).known


def test_one_number_needs_two_points():
    one, other = torch.tensor([2.0]), torch.tensor([1.0])
    fit = elastic([(0.1 * one + 0.03, one), (0.1 * other + 0.03, other)])
    assert (fit.l2, fit.l1) == (pytest.approx(0.1), pytest.approx(0.03))
    assert elastic([(0.1 * one, one)]) == Fit(pytest.approx(0.1), 0.0, True, 1.0)


def test_a_penalty_on_some_rows():
    at = weights()
    gradient = 0.2 * at
    gradient[3:] = 0.0
    fit = elastic([(gradient, at)])
    assert fit[:3] == (pytest.approx(0.2), 0.0, True)
    assert fit.reach == pytest.approx(3 / 7)


def test_exact_zeros_do_not_count_against_the_reach():
    at = weights()
    at[0] = 0.0
    assert elastic([(0.2 * at, at)]).reach == 1.0


def test_coarse_types_are_given_their_rounding():
    at = weights().bfloat16()
    assert elastic([(0.013 * at, at)])[:3] == (pytest.approx(0.013, rel=2e-3), 0.0, True)
    assert elastic([(0.013 * at.sign(), at)])[:3] == (0.0, pytest.approx(0.013, rel=2e-3), True)


def test_no_gradient_is_no_penalty():
    assert elastic([(torch.zeros(3), torch.ones(3))]) == Fit(0.0, 0.0, False, 0.0)
