"""Sparsity by a target rate of activity."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

import torch
from torch import Tensor

from bridle.core import Draws, Forward, LossTerm, Range, Scope


@final
@dataclass(frozen=True)
class KLSparsity(LossTerm):
    """``strength * sum_j [t log(t / m_j) + (1 - t) log((1 - t) / (1 - m_j))]``: units are active a share t of the time.

    ``m_j`` is the mean of unit j over the batch, every entry of an activation being a unit. The value belongs to the
    batch: each of its examples has the same.

    Args:
        strength: Multiplies the sum over units of the divergence, in [0, inf).
        target: The wanted mean activation t, in (0, 1).
        squash: ``"none"``: the activations are rates as they are, from sigmoids; others are refused at the first
            batch. ``"sigmoid"``: the rates are the sigmoids of the activations, for a scope that names the layers
            before their activation function.
        scope: The activations: by default those that reach a place; or modules, whose output counts.

    Reference: Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3.
    """

    by_layer: ClassVar[bool] = True
    needs_activations: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-5, 1e-1), log=True)]
    target: Annotated[float, Range(0.0, 1.0, open_low=True, open_high=True, search=(0.01, 0.3), log=True)] = 0.05
    squash: Literal["none", "sigmoid"] = "none"
    scope: Scope = "all"

    def refuses(self, seen: Forward) -> str:
        """Activations that are no rates."""
        rates = [item.detach() for item in self._rates(seen)]
        low, high = min(float(item.min()) for item in rates), max(float(item.max()) for item in rates)
        if self.squash == "sigmoid" or 0 < low <= high <= 1:
            return ""
        return (
            f"takes activations in (0, 1); these lie in [{low:.3g}, {high:.3g}]. Let scope name sigmoids, or the "
            'layers before their activation function with squash = "sigmoid"'
        )

    def per_example(self, seen: Forward, draws: Draws) -> Tensor:
        """``strength`` times the divergence summed over units, the same for each example."""
        parts = [self._divergence(rates.mean(0)).clamp(min=0.0).sum() for rates in self._rates(seen)]
        return self.strength * torch.stack(parts).sum().expand(len(seen.activations[0]))

    def _rates(self, seen: Forward) -> list[Tensor]:
        if self.squash == "sigmoid":
            return [item.sigmoid() for item in seen.activations]
        return list(seen.activations)

    def _divergence(self, means: Tensor) -> Tensor:
        """``t log(t / m) + (1 - t) log((1 - t) / (1 - m))``, finite also for a unit that is always on or off."""
        noise = torch.finfo(means.dtype).eps
        means, target = means.clamp(noise, 1 - noise), torch.as_tensor(self.target, dtype=means.dtype)
        return target * (target / means).log() + (1 - target) * ((1 - target) / (1 - means)).log()
