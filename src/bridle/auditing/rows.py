"""Rows of batches: which tensor of a batch holds the inputs, and a digest for each row of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from time import monotonic
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor

NUMBERS = 2**25
"""Numbers that are compared at most, row by row: larger matrices would not fit beside a training."""
SECONDS = 20.0
"""How long a loader is read: an audit looks at what it gets in that time."""


def inputs_of(batch: Any) -> Tensor | None:
    """The inputs of a batch: its first tensor, in a mapping the first of floating point if there is one.

    Args:
        batch: What a loader yields: a tensor, a sequence that begins with the inputs, or a mapping.
    """
    if isinstance(batch, np.ndarray) and batch.dtype.kind in "fiub":
        return torch.from_numpy(np.ascontiguousarray(batch))
    if isinstance(batch, Tensor):
        return batch.detach() if batch.ndim else None
    if isinstance(batch, Mapping):
        tensors = [tensor for value in batch.values() if (tensor := inputs_of(value)) is not None]
        return next((tensor for tensor in tensors if tensor.is_floating_point()), tensors[0] if tensors else None)
    if isinstance(batch, Sequence) and not isinstance(batch, str | bytes) and batch:
        return inputs_of(batch[0])
    return None


def digests(inputs: Tensor) -> list[bytes]:
    """16 bytes for each row, equal where all numbers of two rows are."""
    whole = inputs.detach().cpu()
    rows = (whole.float() if whole.dtype == torch.bfloat16 else whole).contiguous().numpy()
    return [blake2b(row.tobytes(), digest_size=16).digest() for row in rows]


def again_possible(loader: Any) -> TypeGuard[Iterable[Any]]:
    """Whether a loader can be read more than once: it is no iterator, which would be used up."""
    return isinstance(loader, Iterable) and not isinstance(loader, Iterator)


def blocks(loader: Iterable[Any], limit: int) -> Iterator[Tensor]:
    """The inputs batch by batch, ``limit`` rows and 20 seconds of reading at most."""
    seen, end = 0, monotonic() + SECONDS
    for batch in loader:
        inputs = inputs_of(batch)
        if inputs is None:
            return
        yield inputs[: limit - seen]
        seen += len(inputs)
        if seen >= limit or monotonic() > end:
            return


def matrix(loader: Iterable[Any], limit: int) -> Tensor | None:
    """Up to ``limit`` rows, flattened: (rows, features) in float32, or None where rows differ in size.

    Of large rows there are fewer: no more than 128 MiB together.
    """
    parts: list[Tensor] = []
    room = NUMBERS
    for block in blocks(loader, limit):
        if block.ndim < 2:
            continue
        fitting = max(room // max(block[0].numel(), 1), 1)
        parts.append(block[:fitting].cpu().flatten(1).float())
        room -= parts[-1].numel()
        if room <= 0 or fitting < len(block):
            break
    if not parts or len({part.shape[1] for part in parts}) > 1:
        return None
    return torch.cat(parts)
