"""Mixup."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
import torch.nn.functional as F
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Range
from bridle.records import Kind

_KNOTS = 256


@final
@dataclass(frozen=True)
class Mixup(Augmentation):
    """``l * x + (1 - l) * x'``: mixes each example, targets too, with another one of the batch.

    Each example has its own ``l`` from ``Beta(strength, strength)``; its partner comes from a random order of the
    batch. Of ``l`` and ``1 - l`` the larger is taken, so that an example stays the greater part of its mixture. In a
    table the numeric columns are mixed and each other column is taken from the example with probability ``l``, else
    from its partner. The loss of a mixture is the mixture of the two losses, weights included.

    Args:
        strength: The concentration of the Beta distribution, in [0, inf): near 0 hardly anything is mixed, at 1 the
            shares are uniform, above they draw near to one half.

    Reference: Zhang et al. 2018, "mixup: beyond empirical risk minimization".
    """

    acts_on: ClassVar[frozenset[Kind]] = frozenset({Kind.TABLE, Kind.IMAGE})
    keeps_labels: ClassVar[bool] = False
    strength: Annotated[float, Range(0.0, search=(0.05, 1.0), log=True)]

    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """The batch mixed with a permutation of itself."""
        count = len(batch.inputs)
        order = draws.uniform(f"{self.key}.partner", (count,), batch.inputs).argsort(stable=True)
        uniforms = draws.per_example(self.key, batch.examples, batch.times, 1)[:, 0]
        share = larger_beta(uniforms, self.strength).to(batch.inputs.dtype)
        own = share * batch.weights
        weights = own + (1 - share) * batch.weights[order]
        # The weighted loss is then the mixture of both losses; for squared error its gradient is.
        part = (own / weights.clamp(min=torch.finfo(weights.dtype).tiny)).to(batch.targets.dtype)[:, None]
        return dataclasses.replace(
            batch,
            inputs=self._inputs(batch, order, share, draws),
            targets=part * batch.targets + (1 - part) * batch.targets[order],
            weights=weights,
        )

    def _inputs(self, batch: Batch, order: Tensor, share: Tensor, draws: Draws) -> Tensor:
        inputs, others = batch.inputs, batch.inputs[order]
        if batch.kind is Kind.IMAGE:
            portion = share.view(-1, *[1] * (inputs.ndim - 1))
            return portion * inputs + (1 - portion) * others
        numeric = batch.continuous
        portion = share[:, None]
        uniforms = draws.per_example(f"{self.key}.column", batch.examples, batch.times, inputs.shape[1] - numeric)
        mixed = portion * inputs[:, :numeric] + (1 - portion) * others[:, :numeric]
        return torch.cat([mixed, torch.where(uniforms < portion, inputs[:, numeric:], others[:, numeric:])], dim=1)


def larger_beta(uniforms: Tensor, strength: Tensor | float) -> Tensor:
    """The larger of ``l`` and ``1 - l``, ``l`` from ``Beta(strength, strength)``, by inverting its distribution.

    The logit of ``l`` has the density ``exp(-strength * (softplus(y) + softplus(-y)))``, smooth for every strength.
    It is integrated on knots that lie dense at zero.

    Args:
        uniforms: ``(B,)`` in [0, 1), on the grid of 2^-24.
        strength: The concentration; 0 stands for the limit, in which nothing is mixed.

    Returns:
        ``(B,)`` in [1/2, 1], of ``uniforms``' type; within 1e-3 of the exact inverse but for the last 1e-5.
    """
    strength = torch.as_tensor(strength, dtype=uniforms.dtype, device=uniforms.device).clamp(min=1e-9)
    knots = torch.linspace(0, 1, _KNOTS, dtype=uniforms.dtype, device=uniforms.device)
    logits = knots.square() * (20 / strength + 8 * (2 / strength).sqrt())
    density = torch.exp(-strength * (F.softplus(logits) + F.softplus(-logits)))
    mass = torch.cat([logits.new_zeros(1), torch.cumulative_trapezoid(density, logits)])
    mass = mass / mass[-1]
    middle = uniforms + 2.0**-25
    right = (mass <= middle[:, None]).sum(1).clamp(1, _KNOTS - 1)  # stacked members have no rule for searchsorted
    left = right - 1
    within = (middle - mass[left]) / (mass[right] - mass[left]).clamp(min=1e-30)
    return torch.sigmoid(logits[left] + within.clamp(0, 1) * (logits[right] - logits[left]))
