"""What an optimizer's parameter groups hold."""

from torch import Tensor
from torch.optim import Optimizer


def weights_in(optimizer: Optimizer) -> list[Tensor]:
    """The weights of all groups, in order."""
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def identity(optimizer: Optimizer) -> list[tuple[int, int]]:
    """Which weights the groups hold, in order; ``load_state_dict`` keeps it."""
    return [(id(group["params"]), len(group["params"])) for group in optimizer.param_groups]
