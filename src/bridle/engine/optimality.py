"""How far weights are from a stationary point of the whole objective, penalties with exact zeros included."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import SGD

from bridle.core import Anchored, Recipe
from bridle.engine.penalties import Penalties
from bridle.engine.unwrapped import unwrapped
from bridle.errors import RecipeError


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

    Raises:
        RecipeError: If the recipe has free dials, or a penalty that pulls to a start that is not known here.

    Reference: Beck 2017, "First-order methods in optimization", section 10 (the gradient mapping).
    """
    model = unwrapped(model)
    if recipe.is_space:
        raise RecipeError(f"kkt_residual(...) needs a value for every dial; free are {', '.join(recipe.free())}.")
    for item in recipe.of(Anchored):
        if not item.checkpoint:
            raise RecipeError(
                f"{item.key} pulls to where the weights started, which they do not tell any more. Use "
                "handle.kkt_residual(loss) of the handle that was there, or name a checkpoint."
            )
    penalties = Penalties(model, SGD([weight for weight in model.parameters() if weight.requires_grad], 1.0), recipe)
    penalties.schedule(1.0)
    return residual(penalties, list(model.parameters()), loss)


def residual(penalties: Penalties, weights: Iterable[Tensor], loss: Callable[[], Tensor]) -> float:
    """The same from penalties that are bound to a model, at their present strengths."""
    weights = [weight for weight in weights if weight.requires_grad]
    kept = [weight.grad for weight in weights]
    slopes = torch.autograd.grad(loss(), weights, allow_unused=True)
    try:
        for weight, slope in zip(weights, slopes, strict=True):
            weight.grad = torch.zeros_like(weight) if slope is None else dense_copy(slope)
        return penalties.residual(weights)
    finally:
        for weight, grad in zip(weights, kept, strict=True):
            weight.grad = grad


def dense_copy(slope: Tensor) -> Tensor:
    """A gradient of its own: those of ``torch.autograd.grad`` may share memory."""
    return (slope.to_dense() if slope.is_sparse else slope).detach().clone()
