"""Numbers too small to matter that slow a processor several times: set to zero in a user's process."""

import torch
from torch import Tensor
from torch.optim import Optimizer

SMALL = 1e-30
"""Weights and their momentum below this are zero: far below what float32 adds to a weight, far above its denormals."""

MOMENTA = ("momentum_buffer", "exp_avg", "grad_avg")
"""State in the unit of a gradient. Mean squares go down to where denormals begin: they are small by themselves."""


@torch.no_grad()
def snap(optimizer: Optimizer) -> None:
    """Set weights and momenta of less than 1e-30 in magnitude, and other state that is denormal, to exactly zero.

    In a user's process Bridle does not set the floating-point mode, which is a thread's own and reaches into the
    user's code. L2 drives unused weights, and their momentum, towards denormal numbers; this keeps them from it.
    """
    for group in optimizer.param_groups:
        for weight in group["params"]:
            for name, tensor in {"weight": weight, **optimizer.state.get(weight, {})}.items():
                if isinstance(tensor, Tensor) and tensor.dtype == torch.float32 and tensor.ndim:
                    bound = SMALL if name in ("weight", *MOMENTA) else torch.finfo(torch.float32).tiny
                    tensor.masked_fill_(tensor.abs() < bound, 0.0)
