"""Weights on which a regularizer would not do what it says."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from bridle.core import Regularizer
from bridle.core.scope import parameters
from bridle.errors import RecipeError


def refuse_types(regularizer: Regularizer, weights: Mapping[str, Tensor]) -> None:
    """Refuse complex weights, and those of so low a precision that small changes are lost in rounding.

    Raises:
        RecipeError: With the name of the first such weight.
    """
    for name, weight in weights.items():
        if weight.is_complex():
            raise RecipeError(f"{regularizer.key} covers {name}, which is {weight.dtype}; this is for real weights.")
        if weight.dtype in (torch.bfloat16, torch.float16):
            raise RecipeError(
                f"{regularizer.key} covers {name}, which is {weight.dtype}: most of what it takes off is lost in "
                "rounding there. Keep the weights in float32 under torch.autocast, or give the float32 copies that "
                "the optimizer holds: attach(..., copies={name: tensor})."
            )


def refuse_transposed(regularizer: Regularizer, model: nn.Module, names: Iterable[str]) -> None:
    """Refuse a transposed convolution where neurons are told from inputs by the axes: there they lie the other way.

    Raises:
        RecipeError: With the name of the first such weight.
    """
    modules = {name: module for name, (module, _, _) in parameters(model).items()}
    for name in names if regularizer.by_axis else ():
        if isinstance(modules[name], nn.modules.conv._ConvTransposeNd):
            raise RecipeError(
                f"{regularizer.key} tells neurons from inputs by the axes of a weight, which lie the other way "
                f"round in {name} of a {type(modules[name]).__name__}. Give it a scope without it."
            )
