"""Accuracy counted on mixed rows is found, for soft targets and for two losses; on plain rows it passes."""

import pytest
import torch
from torch.nn import functional as F

from bridle.auditing.checks.mixed_accuracy import MixedAccuracy


def soft(scores, target, other):
    return F.cross_entropy(scores, 0.7 * F.one_hot(target, 3).float() + 0.3 * F.one_hot(other, 3).float())


def twice(scores, target, other):
    return 0.7 * F.cross_entropy(scores, target) + 0.3 * F.cross_entropy(scores, other)


def plain(scores, target, other):
    return F.cross_entropy(scores, target)


def by_argmax(scores, target):
    return (scores.argmax(1) == target).float().mean().item()


def by_max(scores, target):
    _, guess = torch.max(scores, 1)
    return guess.eq(target.view_as(guess)).sum().item()


def nothing(scores, target):
    return 0.0


def observed_with(observe, model, loss, read):
    observed = observe(model)

    def step(batch):
        inputs, target = batch
        scores = model(0.7 * inputs + 0.3 * inputs.flip(0))
        loss(scores, target, target.flip(0)).backward()
        read(scores, target)

    observed.step = step
    return observed


@pytest.mark.parametrize("read", [by_argmax, by_max])
@pytest.mark.parametrize("loss", [soft, twice])
def test_found(observe, linear, loss, read):
    observed = observed_with(observe, linear, loss, read)
    target = next(iter(observed.loader))[1]
    (finding,) = MixedAccuracy().look(observed)
    assert finding.numbers["mixed"] == pytest.approx((target != target.flip(0)).float().mean().item())
    assert 0 <= finding.numbers["accuracy"] <= 1
    assert "Read training accuracy on rows without mixing" in finding.message


@pytest.mark.parametrize(("loss", "read"), [(plain, by_argmax), (soft, nothing), (twice, nothing)])
def test_passed(observe, linear, loss, read):
    assert list(MixedAccuracy().look(observed_with(observe, linear, loss, read))) == []
