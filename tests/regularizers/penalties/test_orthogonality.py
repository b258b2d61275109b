"""Orthogonality against its definition, pair by pair."""

import itertools

import pytest
import torch

from bridle.regularizers.penalties import Orthogonality
from bridle.testing import material

CPU = torch.device("cpu")


def test_gram_is_the_distance_of_the_rows_products_from_the_identity():
    weight = material.normal("rows", 5, 7, device=CPU)
    expected = sum((weight[i] @ weight[j] - float(i == j)).square() for i in range(5) for j in range(5)) / 2
    torch.testing.assert_close(Orthogonality(0.3).value([weight]), 0.3 * expected)


def test_cosines_are_the_mean_over_pairs_whatever_the_lengths():
    weight = material.normal("rows", 5, 7, device=CPU)
    pairs = list(itertools.combinations(weight, 2))
    cosines = [torch.cosine_similarity(one, other, dim=0).abs() for one, other in pairs]
    penalty = Orthogonality(0.3, form="cosines")
    torch.testing.assert_close(penalty.value([weight]), 0.3 * torch.stack(cosines).mean())
    longer = weight * torch.arange(1, 6, dtype=torch.float64)[:, None]
    torch.testing.assert_close(penalty.value([longer]), penalty.value([weight]))


def test_cosines_are_what_keras_computes():
    """``keras.regularizers.OrthogonalRegularizer(0.3, mode="rows")`` of Keras 3.15.1 on this matrix gave this value."""
    weight = torch.tensor([[1.0, 2.0, -1.0], [0.5, -0.25, 3.0], [-2.0, 1.5, 0.75]], dtype=torch.float64)
    assert float(Orthogonality(0.3, form="cosines").value([weight])) == pytest.approx(0.05502986, rel=1e-6)


def test_orthonormal_rows_feel_nothing():
    weight = torch.linalg.qr(material.normal("basis", 6, 6, device=CPU))[0][:4]
    for form in ("gram", "cosines"):
        penalty = Orthogonality(1.0, form=form)
        assert float(penalty.value([weight])) == pytest.approx(0.0, abs=1e-12)
    assert Orthogonality(1.0).gradient([weight])[0].abs().max() < 1e-12


def test_steps_along_the_gradient_make_the_filters_orthogonal():
    kernel = material.normal("filters", 4, 3, 3, 3, device=CPU)
    penalty = Orthogonality(1.0)
    for _ in range(2000):
        kernel = kernel - 0.01 * penalty.gradient([kernel])[0]
    rows = kernel.flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(4, dtype=torch.float64), rtol=0, atol=1e-10)
