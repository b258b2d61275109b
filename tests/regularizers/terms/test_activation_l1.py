"""L1 on activations against torch and Keras' activity regularizer."""

import pytest
import torch

from bridle.core import Draws, Forward
from bridle.errors import DialError, ScopeError
from bridle.regularizers.terms import ActivationL1
from bridle.testing import material

CPU = torch.device("cpu")
SEEN = Forward(
    torch.zeros(4, 2),
    torch.zeros(4, 3, dtype=torch.float64),
    (material.normal("rows", 4, 6, device=CPU), material.normal("maps", 4, 2, 3, 3, device=CPU)),
)


def test_it_is_torchs_l1_norm_of_each_example():
    found = ActivationL1(0.3).per_example(SEEN, Draws(0, 0, 0))
    expected = [0.3 * sum(float(torch.linalg.vector_norm(a[row], ord=1)) for a in SEEN.activations) for row in range(4)]
    assert found.tolist() == pytest.approx(expected, rel=1e-12)


def test_its_mean_is_keras_activity_regularizer():
    """Keras adds ``x * sum |a| / batch`` for each layer."""
    keras = sum(0.02 * a.abs().sum() / len(a) for a in SEEN.activations)
    torch.testing.assert_close(ActivationL1(0.02).per_example(SEEN, Draws(0, 0, 0)).mean(), keras)


def test_what_is_refused():
    with pytest.raises(DialError, match=r"ActivationL1.strength must lie in \[0, inf\); got -1"):
        ActivationL1(-1)
    with pytest.raises(ScopeError, match=r"ActivationL1.scope must be one of .*; got 'everything'"):
        ActivationL1(0.1, scope="everything")
