"""The user's step on one and the same batch."""

import copy
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor

from bridle.errors import AuditError


def bound(step: Callable[..., Any], loader: Iterable[Any] | None) -> Callable[[], Any]:
    """``step`` without arguments: one that takes a batch gets a copy of the loader's first, each time.

    Raises:
        AuditError: If it takes a batch and there is none.
    """
    needed = _needed(step)
    if needed == 0:
        return step
    if needed > 1:
        raise AuditError(
            f"step must take no argument, or one, the batch, which the loader gives; it takes {needed}. "
            "Wrap it: lambda batch: step(model, batch)."
        )
    if loader is None:
        raise AuditError(
            "step takes an argument, the batch, and there is no loader to give it one. "
            "Write audit(model, optimizer, step, train_loader)."
        )
    batch = next(iter(loader), None)
    if batch is None:
        raise AuditError("The loader gives no batch, so step cannot run. Give one with at least one batch.")
    return lambda: step(_copied(batch))


def _needed(step: Callable[..., Any]) -> int:
    try:
        parameters = inspect.signature(step).parameters.values()
    except (TypeError, ValueError):  # a callable written in C
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is one.empty for one in parameters)


def _copied(batch: Any) -> Any:
    if isinstance(batch, Tensor):
        return batch.clone()
    if isinstance(batch, tuple | list) and not hasattr(batch, "_fields"):
        return type(batch)(_copied(item) for item in batch)
    return {key: _copied(item) for key, item in batch.items()} if type(batch) is dict else copy.copy(batch)
