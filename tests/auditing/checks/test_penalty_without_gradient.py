"""A penalty from detached weights is found; one from the weights themselves passes."""

import pytest
from torch.nn import functional as F

from bridle.auditing.checks.penalty_without_gradient import PenaltyWithoutGradient


def observed_with(observe, model, weights):
    observed = observe(model)

    def step(batch):
        loss = F.cross_entropy(model(batch[0]), batch[1])
        loss = loss + 0.1 * sum(weight.abs().sum() for weight in weights(model))
        loss.backward()

    observed.step = step
    return observed


DETACHED = {
    "data": lambda model: [weight.data for weight in model.parameters()],
    "detach": lambda model: [weight.detach() for weight in model.parameters()],
    "state_dict": lambda model: list(model.state_dict().values()),
}


@pytest.mark.parametrize("kind", DETACHED)
def test_found(observe, linear, kind):
    (finding,) = PenaltyWithoutGradient().look(observed_with(observe, linear, DETACHED[kind]))
    penalty = 0.1 * sum(weight.abs().sum() for weight in linear.parameters())
    assert finding.numbers["penalty"] == pytest.approx(float(penalty.detach()))
    assert "Compute it from model.parameters() themselves" in finding.message


def test_passed(observe, linear):
    assert list(PenaltyWithoutGradient().look(observed_with(observe, linear, lambda model: model.parameters()))) == []
