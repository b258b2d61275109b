"""Where weights started: the point that an anchored penalty pulls them back to."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from bridle.core import Anchored, Penalty
from bridle.errors import RecipeError


def starting_point(penalty: Penalty, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The starting point by the weights' names; empty for a penalty that has none.

    Raises:
        RecipeError: If the checkpoint cannot be read, or lacks a weight, or holds it in another shape.
    """
    if not isinstance(penalty, Anchored):
        return {}
    if not penalty.checkpoint:
        return {name: weight.detach().clone() for name, weight in weights.items()}
    stored = _read(penalty)
    for name, weight in weights.items():
        if name not in stored:
            raise RecipeError(
                f"{penalty.key}.checkpoint {penalty.checkpoint!r} has no {name}; it has {', '.join(sorted(stored))}. "
                "Use a scope without it, or the checkpoint of this model."
            )
        if stored[name].shape != weight.shape:
            raise RecipeError(
                f"{penalty.key}.checkpoint {penalty.checkpoint!r} holds {name} as {tuple(stored[name].shape)}; the "
                f"model has {tuple(weight.shape)}. Use a scope without it, or the checkpoint of this model."
            )
    return {name: stored[name].to(weight) for name, weight in weights.items()}


def _read(penalty: Anchored) -> dict[str, Tensor]:
    path = Path(penalty.checkpoint)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise RecipeError(
            f"{penalty.key}.checkpoint must be a safetensors file with the weights by name; {str(path)!r} cannot be "
            f"read: {error}. Write one with safetensors.torch.save_model(model, path)."
        ) from None
