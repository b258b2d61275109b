"""A plain chain of layers called with the weights of many members at once.

Linear layers become one batched product each, bias included, and whatever treats each number by itself acts on the
whole stack: a pass over the activations less for each layer than under ``vmap``, and no work to enter it.

Legend of the axes: ``M`` members, ``B`` batch, ``F`` features.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from bridle.core import Place

Chain: TypeAlias = Sequence[tuple[nn.Module, str, str]]
"""The layers in order; for linear ones the names of weight and bias, the bias empty where there is none."""

ELEMENTWISE = (nn.ELU, nn.GELU, nn.Identity, nn.LeakyReLU, nn.ReLU, nn.Sigmoid, nn.SiLU, nn.Softplus, nn.Tanh, Place)
"""Layers that treat each number by itself, and have no weights."""


def chain_of(model: nn.Module) -> Chain | None:
    """The layers of a network that is a plain chain of them, flat inputs or flattened first; ``None`` for any other."""
    layers = _layers(model)
    if layers is None or any(_is_hooked(module) for module in model.modules()):
        return None
    names: dict[Tensor, str] = {}
    for name, weight in model.named_parameters():
        names.setdefault(weight, name)
    found = [
        (layer, names[layer.weight], "" if layer.bias is None else names[layer.bias])
        if isinstance(layer, nn.Linear)
        else (layer, "", "")
        for layer in layers
    ]
    begins = [type(layer) for layer in layers]
    return found if begins and nn.Flatten not in begins[1:] else None


def call(chain: Chain, tensors: Mapping[str, Tensor], inputs_MBF: Tensor) -> Tensor:
    """The outputs ``(M, B, outputs)``.

    Args:
        chain: The layers.
        tensors: The weights ``(M, ...)`` by name, in the layout of the model.
        inputs_MBF: ``(M, B, F)``, or more axes where the chain begins by flattening them.
    """
    x_MBF, free = inputs_MBF, False
    for layer, weight, bias in chain:
        if weight:
            across = tensors[weight].transpose(1, 2)
            x_MBF = torch.baddbmm(tensors[bias][:, None], x_MBF, across) if bias else torch.bmm(x_MBF, across)
        elif isinstance(layer, nn.Flatten):
            x_MBF = x_MBF.flatten(2)
        elif free and isinstance(layer, nn.ReLU):
            x_MBF = x_MBF.relu_()  # nobody else sees the product
        else:
            x_MBF = cast(Tensor, layer(x_MBF))
        free = bool(weight)
    return x_MBF


def _layers(model: nn.Module) -> list[nn.Module] | None:
    if type(model).forward is nn.Sequential.forward:
        found = [_layers(module) for module in model.children()]
        return None if None in found else [layer for layers in found if layers for layer in layers]
    flat = type(model) is nn.Flatten and (model.start_dim, model.end_dim) == (1, -1)
    return [model] if flat or type(model) in (nn.Linear, *ELEMENTWISE) else None


def _is_hooked(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(hooks) or bool(getattr(module, "parametrizations", None))
