"""How much of each parameter's movement came from which part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from bridle.auditing.fits import Fit, dot, norm, proportion
from bridle.auditing.measure import Measurement
from bridle.records import Part


@final
@dataclass(eq=False)
class Movements:
    """The movement of each parameter and its parts, each a counterfactual.

    Args:
        measurement: Runs the step without each part.
        fits: By source, the penalty that a weight's gradient is of.

    Attributes:
        parts: By weight and name of the part.
        decays: By weight, the fit of the decay's movement to the weights: the share that one step takes, R squared.
        pulled: By weight with rows, which rows the penalty or the decay moves.
    """

    measurement: Measurement
    fits: Mapping[str, Mapping[Tensor, Fit]]
    parts: dict[Tensor, dict[str, Part]] = field(default_factory=dict)
    decays: dict[Tensor, tuple[float, float]] = field(default_factory=dict)
    pulled: dict[Tensor, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Run the step without each part."""
        found = self.measurement
        self._start = found.start
        self._whole = {weight: found.end[weight] - found.start[weight] for weight in found.weights}
        rest = {weight: move.clone() for weight, move in self._whole.items()}
        own: dict[str, dict[Tensor, Tensor]] = {}
        for name, weight, move in found.own_moves:
            moves = own.setdefault(name, {})
            moves[weight] = moves[weight] + move if weight in moves else move
        plans = dict(found.plans(self.fits))
        for name in dict.fromkeys([*plans, *own]):
            by_hand = own.get(name, {})
            measured = found.differences(plans[name]) if name in plans else ((weight, None) for weight in by_hand)
            for weight, difference in measured:
                hand = by_hand.get(weight)
                effect = difference if hand is None else hand if difference is None else difference + hand
                if effect is not None and weight in found.held and bool(effect.any()):
                    self._note(name, weight, effect)
                    rest[weight] -= effect
        for weight, left in rest.items():
            if weight in found.held and norm(left) > 1e-4 * norm(self._whole[weight]):
                self._note("interaction", weight, left)

    def _note(self, name: str, weight: Tensor, effect: Tensor) -> None:
        whole, start = self._whole[weight], self._start[weight]
        moved, held = dot(whole, whole), dot(start, start)
        part = Part(
            size=norm(effect),
            share=dot(effect, whole) / moved if moved else 0.0,
            shrink=-dot(effect, start) / held if held else 0.0,
            fit=proportion(effect, start)[1],
        )
        self.parts.setdefault(weight, {})[name] = part
        if name == "decay":
            self.decays[weight] = part.shrink if held else math.nan, part.fit
        if name in ("decay", "penalty") and weight.ndim > 1:
            rows = effect.flatten(1).ne(0).any(dim=1)
            self.pulled[weight] = self.pulled.get(weight, torch.zeros_like(rows)) | rows

    def size(self, weight: Tensor) -> float:
        """The norm of the whole movement."""
        return norm(self._whole[weight])
