"""Parameters that were named as without gradient are told; none, and nothing is said."""

from bridle.auditing.checks.weights_without_gradient import WeightsWithoutGradient
from bridle.auditing.witnessed import Witnessed


def test_found(observe, linear):
    observed = observe(linear)
    observed.witnessed = Witnessed(without_gradient=[f"head.{number}" for number in range(7)])
    (finding,) = WeightsWithoutGradient().look(observed)
    assert "7 parameters of the optimizer have no gradient" in finding.message
    assert "head.2 and 4 more" in finding.message


def test_passed(observe, linear):
    assert list(WeightsWithoutGradient().look(observe(linear))) == []
