"""Types of weights on which a regularizer would not do what it says."""

from collections.abc import Mapping

import torch
from torch import Tensor

from bridle.core import Regularizer
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
