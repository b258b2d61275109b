"""Numbers too small to matter that slow a processor several times: set to zero in a user's process."""

import torch
from torch import Tensor
from torch.optim import Optimizer

SMALL = 1e-30
"""Weights and optimizer state below this are zero: far below what float32 adds to a weight, far above its denormals."""


@torch.no_grad()
def snap(optimizer: Optimizer) -> None:
    """Set weights and optimizer state of less than 1e-30 in magnitude to exactly zero.

    In a user's process Bridle does not set the floating-point mode, which is a thread's own and reaches into the
    user's code. L2 drives unused weights, and their momentum, towards denormal numbers; this keeps them from it.
    """
    for group in optimizer.param_groups:
        for weight in group["params"]:
            for tensor in (weight, *optimizer.state.get(weight, {}).values()):
                if isinstance(tensor, Tensor) and tensor.dtype == torch.float32 and tensor.ndim:
                    tensor.masked_fill_(tensor.abs() < SMALL, 0.0)
