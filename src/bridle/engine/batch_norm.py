"""Batch-norm statistics recomputed, for weights that were never live."""

from collections.abc import Callable, Iterable

import torch
from torch import nn


def tracking(model: nn.Module) -> list[nn.Module]:
    """The batch-norm layers of a model that are in training mode and keep running statistics."""
    found = (module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm))
    return [norm for norm in found if norm.running_mean is not None and norm.training]


@torch.no_grad()
def recompute(model: nn.Module, norms: Iterable[nn.Module], passes: Iterable[Callable[[], object]]) -> None:
    """Replace the running statistics of ``norms`` by the mean of those of forward passes.

    The rest of the model is in evaluation mode meanwhile; afterwards every module is in the mode that it was in.

    Args:
        model: The model.
        norms: Batch-norm layers of it, as :func:`tracking` gives them.
        passes: Each calls the model on one batch.

    Reference: Izmailov et al. 2018, "Averaging weights leads to wider optima".
    """
    modes = [(module, module.training) for module in model.modules()]
    found = [norm for norm in norms if isinstance(norm, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in found]
    model.eval()
    for norm in found:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for forward in passes:
        forward()
    for norm, momentum in zip(found, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes:
        module.training = mode
