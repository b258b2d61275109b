"""Checkpoints: tensors and plain values in one safetensors file, written atomically. Nothing is ever pickled."""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from bridle.errors import RunError, StorageError


def write(path: Path, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
    """Write tensors and JSON-able values to ``path``, or leave the file that was there.

    Raises:
        StorageError: If the disk is full or the folder cannot be written.
    """
    ready = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with replacing(path) as part:
        save_file(ready, part, metadata={"bridle": json.dumps(plain)})


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write, which takes the place of ``path`` once it is whole; else what was there stays.

    Raises:
        StorageError: If the disk is full or the folder cannot be written.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # workers of a killed job may still be writing
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            part.unlink()
        code = error.errno if isinstance(error, OSError) else None
        raise StorageError(
            code or errno.EIO, f"{path} could not be written: {error}. Free some space and resume the run."
        ) from None


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What :func:`write` wrote.

    Raises:
        RunError: If the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            return tensors, json.loads((file.metadata() or {})["bridle"])
    except (SafetensorError, KeyError, json.JSONDecodeError, OSError) as error:
        raise RunError(f"{path} is damaged or was not written by Bridle ({error}).") from None


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """An optimizer's state as named tensors: ``"<number of the weight>.<name>"``."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    return {
        f"{number}.{name}": value
        for number, weight in enumerate(weights)
        for name, value in optimizer.state.get(weight, {}).items()
        if isinstance(value, Tensor)
    }


def load_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what :func:`optimizer_tensors` took."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        weight = weights[int(number)]
        optimizer.state[weight][name] = torch.empty_like(weight).copy_(value) if value.ndim else value
