"""A loop whose gradients lack the penalties that the layers declare."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bridle.auditing.keras.followed import own_regularizers
from bridle.records import Finding, Severity

NAME = "losses_left_out"


def look(keras: Any, variables: Sequence[Any], felt: bool) -> Iterator[Finding]:
    """One finding if weights have regularizers, and no gradient of a penalty took part in the optimizer's.

    Args:
        keras: The module of that name.
        variables: The variables that the optimizer was given gradients for.
        felt: Whether a gradient went through a penalty on the way.
    """
    if felt:
        return
    own = own_regularizers(keras)  # what others give is not marked
    declared = {weight.path: _value(weight) for weight in variables if type(weight.regularizer) in own}
    declared = {path: value for path, value in declared.items() if value}
    if not declared:
        return
    names = list(declared)
    message = (
        f"The optimizer was given gradients in which no penalty took part: {', '.join(names[:3])}"
        f"{f' and {len(names) - 3} more' if len(names) > 3 else ''} have regularizers worth "
        f"{sum(declared.values()):.4g} in all, which are in model.losses and never in the loss. Write loss = loss + "
        "sum(model.losses) where the gradient is taken (in the GradientTape, before loss.backward()), or let "
        "model.compute_loss(x, y, outputs) add them."
    )
    yield Finding(NAME, Severity.ERROR, message, {"penalties": declared})


def _value(weight: Any) -> float:
    """The penalty of a weight as it stands, also while a graph is being made."""
    if isinstance(weight.value, torch.Tensor):
        with torch.no_grad():
            return float(weight.regularizer(weight))
    with sys.modules["tensorflow"].init_scope():
        return float(weight.regularizer(weight))
