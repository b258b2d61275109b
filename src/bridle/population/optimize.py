"""One optimizer step for many members: torch's fused kernels, called once for each run of members that agree.

A fused kernel takes one learning rate for all tensors of a call, but any number of tensors. Members that share
learning rate, decay, momentum and count of steps lie side by side, so a call takes a slice of every stack.

Trap: the fused kernels ignore strides, and compute a rest that fills no vector by other instructions. So they get flat
tensors, each member's numbers filled up to a whole vector.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

import torch

from bridle.population.stack import Tensors

T = TypeVar("T")

BETAS, EPS = (0.9, 0.999), 1e-8
MOMENTS = {"adam": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",)}
"""The parts of an optimizer's state."""


@final
@dataclass(frozen=True)
class Rate:
    """What a member's optimizer step depends on, apart from its tensors.

    Args:
        learning_rate: The learning rate of this step.
        decay: AdamW's decoupled decay.
        momentum: SGD's momentum.
        step: How many steps the member has made, this one included.
    """

    learning_rate: float
    decay: float
    momentum: float
    step: int


def runs(values: Sequence[T]) -> Iterator[tuple[int, int, T]]:
    """Slices of members side by side whose values are equal, each with its value."""
    start = 0
    for end in range(1, len(values) + 1):
        if end == len(values) or values[end] != values[start]:
            yield start, end, values[start]
            start = end


def adamw(weights: Tensors, gradients: Tensors, state: Mapping[str, Tensors], rates: Sequence[Rate]) -> None:
    """A step of AdamW in place, as ``torch.optim.AdamW(fused=True)`` makes it for each member alone.

    Args:
        weights: The weights, flat and aligned, ``(M, numbers)`` each.
        gradients: Their gradients, likewise; a weight that has none is left alone.
        state: ``"exp_avg"`` and ``"exp_avg_sq"``, stacks like the weights, changed in place.
        rates: One for each member.
    """
    names = list(gradients)
    for start, end, rate in runs(rates):
        rows = slice(start, end)
        torch._fused_adamw_(
            [weights[name][rows] for name in names],
            [gradients[name][rows] for name in names],
            [state["exp_avg"][name][rows] for name in names],
            [state["exp_avg_sq"][name][rows] for name in names],
            [],
            [torch.tensor(float(rate.step))] * len(names),
            lr=rate.learning_rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=rate.decay,
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )


def sgd(weights: Tensors, gradients: Tensors, state: Mapping[str, Tensors], rates: Sequence[Rate]) -> None:
    """A step of SGD with momentum in place, as ``torch.optim.SGD(fused=True)`` makes it for each member alone.

    Args:
        weights: The weights, flat and aligned, ``(M, numbers)`` each.
        gradients: Their gradients, likewise; a weight that has none is left alone.
        state: ``"momentum_buffer"``, a stack like the weights, changed in place.
        rates: One for each member.
    """
    names = list(gradients)
    for start, end, rate in runs(rates):
        rows = slice(start, end)
        torch._fused_sgd_(
            [weights[name][rows] for name in names],
            [gradients[name][rows] for name in names],
            [state["momentum_buffer"][name][rows] for name in names] if rate.momentum else [],
            weight_decay=0.0,
            momentum=rate.momentum,
            lr=rate.learning_rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=rate.step == 1,
        )
