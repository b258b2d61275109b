"""Layers whose scale the output does not show: batch normalisation behind them divides it out."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bridle.core.draws import generator

SAME = 0.01
"""Outputs are taken for the same up to this share of their spread: a normalisation's epsilon is not divided out."""


@torch.no_grad()
def scale_free(model: nn.Module, names: Sequence[str], inputs: Tensor) -> list[str]:
    """The names of the weights that may be doubled without a change of the output, in training.

    The network normalises by the batch as in training, with noise off. It is tried at weights with normal numbers
    added, as some start from zero. Nothing of the network is changed.

    Args:
        model: The network.
        names: Full names of weights with two or more dimensions.
        inputs: ``(B, ...)`` some examples, 2 or more.
    """
    was_training = {module: module.training for module in model.modules()}
    for module in model.eval().modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    live = dict(model.named_parameters())
    moved = {name: live[name] + _normal(live[name], name) for name in names}

    def output(changed: dict[str, Tensor]) -> Tensor:
        buffers = {name: value.clone() for name, value in model.named_buffers()}
        found: Tensor = functional_call(model, {**buffers, **moved, **changed}, (inputs,))
        return found

    base = output({})
    spread = (base - base.mean(0)).abs().max()
    found = [name for name in names if (output({name: 2 * moved[name]}) - base).abs().max() <= SAME * spread]
    for module, mode in was_training.items():
        module.training = mode
    return found


def _normal(weight: Tensor, name: str) -> Tensor:
    """Normal numbers of the size that weights of this shape start with."""
    drawn = torch.randn(weight.shape, generator=generator("scale", name), dtype=torch.float64)
    return drawn.to(weight.device, weight.dtype) / math.sqrt(weight[0].numel())
