"""A small problem in float64, and Bridle's own minimum of it with any of its penalties."""

from dataclasses import dataclass

import pytest
import torch
from torch.nn import functional

from bridle.core import Proximal


@dataclass(frozen=True)
class Problem:
    inputs: torch.Tensor
    target: torch.Tensor
    classes: torch.Tensor  # three
    two: torch.Tensor  # two, as 0 and 1

    @property
    def examples(self):
        return len(self.inputs)

    def squared(self, weights):
        """The mean squared error, without a half."""
        return (self.inputs @ weights - self.target).square().mean()

    def entropy(self, weights):
        """The mean cross-entropy of three classes, from weights ``(features, 3)``."""
        return functional.cross_entropy(self.inputs @ weights, self.classes)

    def logistic(self, weights):
        """The mean cross-entropy of two classes from one logit."""
        return functional.binary_cross_entropy_with_logits(self.inputs @ weights, self.two)

    def minimum(self, penalty, loss=None, shape=None, steps=4000):
        """What Bridle's canonical objective has as its minimum, by the penalty's own gradient or proximal step."""
        loss = loss or self.squared
        weights = torch.zeros(shape or self.inputs.shape[1], dtype=torch.float64, requires_grad=True)
        strength = getattr(penalty, "strength", getattr(penalty, "l2", 0.0))
        step = 1.0 / (2.0 * torch.linalg.eigvalsh(self.inputs.T @ self.inputs / self.examples)[-1] + strength).item()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(weights), [weights])
            with torch.no_grad():
                if isinstance(penalty, Proximal):
                    (new,) = penalty.prox([weights - step * gradient], [step])
                else:
                    new = weights - step * (gradient + penalty.gradient([weights])[0])
                if torch.equal(new, weights):
                    break
                weights.copy_(new)
        return weights.detach()


@pytest.fixture(scope="package")
def problem():
    draws = torch.Generator().manual_seed(7)
    inputs = torch.randn(48, 5, generator=draws, dtype=torch.float64)
    inputs = inputs + 0.3 * inputs.roll(1, dims=1)
    target = inputs @ torch.tensor([1.5, -1.0, 0.7, 0.4, 0.02], dtype=torch.float64)
    target = target + 0.3 * torch.randn(48, generator=draws, dtype=torch.float64)
    scores = inputs[:, :3] + 0.7 * torch.randn(48, 3, generator=draws, dtype=torch.float64)
    return Problem(inputs, target, scores.argmax(1), (target > 0.2).double())
