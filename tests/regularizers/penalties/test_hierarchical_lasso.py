"""The hierarchical lasso against the package lassonet, a brute-force minimum, scipy, and itself in groups."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from bridle.errors import RecipeError
from bridle.regularizers.penalties import HierarchicalLasso
from bridle.testing import check_regularizer, material

CPU = torch.device("cpu")
SKIP = [[0.5, -1.0, 0.1, 0.02], [0.25, 2.0, -0.2, -0.01]]
FIRST = [[3.0, 0.5, -0.4, 0.001], [-1.0, 4.0, 0.9, -0.002], [0.2, -7.0, 0.05, 0.003]]
# What lassonet 0.0.21 gave: lassonet.prox.prox(SKIP, FIRST, lambda_=0.7, lambda_bar=0, M=1.5).
THEIR_SKIP = [
    [1.1996379463999014, -1.6562133033537192, 0.12021194986922237, 0.0],
    [0.5998189731999507, 3.3124266067074384, -0.24042389973844475, 0.0],
]
THEIR_FIRST = [
    [2.0118539974038216, 0.5, -0.4, 0.0],
    [-1.0, 4.0, 0.4032031374230673, 0.0],
    [0.2, -5.555108297307595, 0.05, 0.0],
]


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def lowest(norm, sizes, strength, hierarchy, steps):
    """The lowest objective over the norm b, by scipy: given b, W is cut off and theta keeps its direction."""

    def height(b):
        over = np.maximum(sizes - hierarchy * b, 0)
        return strength * b + (b - norm) ** 2 / (2 * steps[0]) + (over**2).sum() / (2 * steps[1])

    return minimize_scalar(height, bounds=(0, norm + hierarchy * sizes.sum()), options={"xatol": 1e-12}).fun


def objective(penalty, found, weights, steps):
    far = sum(((x - w) ** 2).sum() / (2 * step) for x, w, step in zip(found, weights, steps, strict=True))
    return float(penalty.value(found) + far)


@pytest.mark.parametrize("step", [1.0, 0.1])
def test_prox_is_that_of_the_package_lassonet(step):
    penalty = HierarchicalLasso(0.7 / step, hierarchy=1.5)
    skip, first = penalty.prox([double(SKIP), double(FIRST)], [step, step])
    torch.testing.assert_close(skip, double(THEIR_SKIP), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(first, double(THEIR_FIRST), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("steps", [[0.3, 0.3], [0.1, 2.0]])
@pytest.mark.parametrize("hierarchy", [0.2, 3.0, 50.0])
@pytest.mark.parametrize("strength", [0.0, 0.4, 5.0])
def test_prox_is_the_minimum_that_scipy_finds(strength, hierarchy, steps):
    weights = [material.normal(f"{name} scipy", rows, 9, device=CPU) for name, rows in (("skip", 3), ("first", 7))]
    penalty = HierarchicalLasso(strength, hierarchy)
    found = penalty.prox(weights, steps)
    expected = sum(
        lowest(float(weights[0][:, column].norm()), weights[1][:, column].abs().numpy(), strength, hierarchy, steps)
        for column in range(9)
    )
    assert objective(penalty, found, weights, steps) == pytest.approx(expected, rel=1e-6)
    assert (found[1].abs() <= hierarchy * found[0].norm(dim=0) + 1e-12).all()


def test_from_zero_skip_weights_a_first_layer_revives_the_feature():
    """No direction is nearer than another, so all entries become alike; the package leaves such a feature at zero."""
    weights = [torch.zeros(2, 3).double(), double([[5.0, 0.0, 0.1], [-4.0, 0.0, 0.0]])]
    penalty = HierarchicalLasso(1.0, hierarchy=2.0)
    skip, first = penalty.prox(weights, [1.0, 1.0])
    expected = lowest(0.0, np.array([5.0, 4.0]), 1.0, 2.0, [1.0, 1.0])
    expected += lowest(0.0, np.array([0.1, 0.0]), 1.0, 2.0, [1.0, 1.0])
    assert objective(penalty, [skip, first], weights, [1.0, 1.0]) == pytest.approx(expected, rel=1e-6)
    assert skip[0, 0] == skip[1, 0] > 0
    assert not skip[:, 1:].any()
    assert not first[:, 1:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_zeros_stay_zeros(dtype):
    weights = [torch.zeros(2, 4, dtype=dtype), torch.zeros(3, 4, dtype=dtype)]
    for found in HierarchicalLasso(0.1).prox(weights, [0.1, 0.1]):
        assert not found.any()  # NaN would count as something


def test_columns_of_one_feature_come_and_go_together():
    """Features of one, two and three columns are as those columns below one another."""
    skip, first = (material.normal(f"grouped {rows}", rows, 6, device=CPU) for rows in (2, 5))
    features = (2, 0, 1, 0, 1, 1)
    grouped = HierarchicalLasso(0.6, 2.0, features)
    found = grouped.prox([skip, first], [0.4, 0.4])
    for feature in range(3):
        own = [column for column, number in enumerate(features) if number == feature]
        tall = [weight[:, own].reshape(-1, 1) for weight in (skip, first)]
        for whole, expected in zip(found, HierarchicalLasso(0.6, 2.0).prox(tall, [0.4, 0.4]), strict=True):
            torch.testing.assert_close(whole[:, own].reshape(-1, 1), expected)
    norms = [float(skip[:, own].norm()) for own in ([1, 3], [2, 4, 5], [0])]
    assert float(grouped.value([skip, first])) == pytest.approx(0.6 * sum(norms))
    check_regularizer(HierarchicalLasso(0.1, 2.0, (0, 1, 2, 1, 0)))


def test_kernels_count_as_a_feature_of_their_channel():
    weights = [
        material.normal("skip kernel", 2, 3, 1, 1, device=CPU),
        material.normal("kernel", 4, 3, 2, 2, device=CPU),
    ]
    found = HierarchicalLasso(0.5, 1.5).prox(weights, [0.3, 0.3])
    flat = [weight.movedim(1, -1).reshape(-1, 3) for weight in weights]
    for kernel, expected in zip(found, HierarchicalLasso(0.5, 1.5).prox(flat, [0.3, 0.3]), strict=True):
        torch.testing.assert_close(kernel.movedim(1, -1).reshape(-1, 3), expected)


@pytest.mark.parametrize("features", [(0, -1), (0, 1.0), ("a",), (True,)])
def test_numbers_of_features_are_whole(features):
    with pytest.raises(RecipeError, match=r"HierarchicalLasso\.features must be a whole number, 0 or more.*; got \["):
        HierarchicalLasso(0.1, features=features)


def test_what_it_takes():
    penalty = HierarchicalLasso(0.1, features=(0, 1, 1))
    assert penalty.refuses([(2, 3), (5, 3)]) == ""
    assert penalty.refuses([(2, 4), (5, 4)]) == "names the features of 3 columns"
    for shapes in ([(2, 3)], [(2, 3), (5, 4)], [(3,), (3,)], [(2, 3)] * 3):
        assert penalty.refuses(shapes).startswith("takes two weights with a column for each feature")
