"""How far an optimizer moves a weight per unit of constant gradient: the metric of an exact proximal step.

============== ==================================================
optimizer      movement
============== ==================================================
SGD            ``lr * (1 - dampening) / (1 - momentum)``
SGD, Nesterov  ``lr / (1 - momentum)``
Adam, AdamW    ``lr / (sqrt(v_hat) + eps)`` per weight
============== ==================================================
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from bridle.errors import RecipeError


def movement(optimizer: Optimizer, group: dict[str, Any], weight: Tensor) -> Tensor | float:
    """The movement of ``weight``, a parameter of ``group``, right after a step: a number or a tensor of its shape.

    Raises:
        RecipeError: If the optimizer has no known metric.
    """
    if isinstance(optimizer, Adam | AdamW):
        return _adam(optimizer, group, weight)
    if isinstance(optimizer, SGD):
        share: float = 1.0 if group["nesterov"] or not group["momentum"] else 1.0 - group["dampening"]
        return float(group["lr"] * share / (1.0 - group["momentum"]))
    raise RecipeError(
        f"A penalty with exact zeros needs the optimizer's own metric; none is known for {type(optimizer).__name__}. "
        "Use SGD, Adam or AdamW."
    )


def _adam(optimizer: Optimizer, group: dict[str, Any], weight: Tensor) -> Tensor:
    state = optimizer.state[weight]
    correction = 1.0 - group["betas"][1] ** float(state["step"])
    # The constant keeps the square root of exact zeros off its slow path; it is invisible beside eps.
    root = (state["exp_avg_sq"] / correction + 1e-30).sqrt_()
    movements: Tensor = torch.full_like(root, group["lr"]).div_(root.add_(group["eps"]))
    return movements
