"""How far weights are from a stationary point of the whole objective, penalties with exact zeros included."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import SGD

from bridle.core import Recipe
from bridle.engine.penalties import Penalties


def kkt_residual(model: nn.Module, recipe: Recipe, loss: Callable[[], Tensor]) -> float:
    """``max |w - prox(w - g, 1)|``: zero where no small move of any weight makes the objective smaller.

    g is the full gradient of the data loss and of every penalty that is applied by its gradient; prox is that of the
    penalties with exact zeros. For a convex problem a small residual means that the solution is reached; for a deep
    network it only says how settled the training is. Weights, gradients and buffers stay as they are where ``loss``
    leaves them.

    Args:
        model: The model, as it is to be judged (``model.eval()`` for a clean loss).
        recipe: The recipe; its penalties count at their last strengths.
        loss: The data loss over all training examples, a scalar with a graph, without any penalty.

    Returns:
        The largest residual over all trainable weights, in the unit of a gradient.

    Reference: Beck 2017, "First-order methods in optimization", section 10 (the gradient mapping).
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    kept = [weight.grad for weight in weights]
    slopes = torch.autograd.grad(loss(), weights, allow_unused=True)
    try:
        for weight, slope in zip(weights, slopes, strict=True):
            weight.grad = torch.zeros_like(weight) if slope is None else slope.detach().clone()
        penalties = Penalties(model, SGD(weights, 1.0), recipe)
        penalties.schedule(1.0)
        return penalties.residual(weights)
    finally:
        for weight, grad in zip(weights, kept, strict=True):
            weight.grad = grad
