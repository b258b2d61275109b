"""What an optimizer's own decay amounts to in a training that runs, weight by weight."""

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from bridle.core.scope import parameters
from bridle.engine.movement import metric
from bridle.errors import ConventionError


def decay_strengths(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """The L2 strength that the optimizer's ``weight_decay`` equals just now, for each weight.

    Where Adam divides the gradient by ``sqrt(v_hat) + eps`` and decays apart from it, as AdamW does, the penalty of the
    same stationary point has the strength ``weight_decay * (sqrt(v_hat) + eps)``: one for each weight, growing with the
    gradients. In SGD and Adam the decay is part of the gradient: there it is ``weight_decay`` itself.

    Args:
        model: The model.
        optimizer: Its optimizer (SGD, Adam or AdamW of torch) after a step.

    Returns:
        By the parameter's name a tensor of its shape; parameters that took no step are left out.

    Raises:
        ConventionError: If the optimizer is another one, has ``amsgrad``, or has not taken a step.
    """
    groups = {weight: group for group in optimizer.param_groups for weight in group["params"]}
    if not isinstance(optimizer, SGD | Adam | AdamW) or any(group.get("amsgrad") for group in optimizer.param_groups):
        raise ConventionError(
            f"decay_strengths(...) knows SGD, Adam and AdamW without amsgrad; got {type(optimizer).__name__}."
        )
    found = {}
    for name, (_, _, weight) in parameters(model).items():
        group = groups.get(weight)
        if group is None or (not isinstance(optimizer, SGD) and not optimizer.state[weight]):
            continue
        strength = torch.full_like(weight, float(group["weight_decay"]), requires_grad=False)
        if isinstance(optimizer, AdamW) or group.get("decoupled_weight_decay"):
            strength /= metric(optimizer)({**group, "lr": 1.0}, optimizer.state[weight])
        found[name] = strength
    if not found:
        raise ConventionError("decay_strengths(model, optimizer) needs an optimizer of this model after a step.")
    return found
