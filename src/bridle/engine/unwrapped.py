"""The user's own module and optimizer within their wrappers."""

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim import Optimizer


def unwrapped(model: nn.Module) -> nn.Module:
    """The module within ``torch.compile``, replicas and Lightning's Fabric, so that its names are the user's."""
    while True:
        inner = getattr(model, "_orig_mod", None) or getattr(model, "_original_module", None)  # the latter is Fabric's
        if isinstance(inner, nn.Module):
            model = inner
        elif isinstance(model, DataParallel | DistributedDataParallel):
            model = model.module
        else:
            return model


def plain_optimizer(optimizer: Optimizer) -> Optimizer:
    """The optimizer within those of Accelerate and Fabric, which pass for optimizers and have no hooks of their own."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = inner
    return optimizer
