"""Map-style torch data sets of (input, target): read once, into one array."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.data.room import empty
from bridle.data.sources.arrays import array_dataset
from bridle.data.sources.source import Source
from bridle.errors import DataError
from bridle.records import Layout


def _accepts(source: Any) -> bool:
    return isinstance(source, torch.utils.data.Dataset)


def _read(source: Any, options: Options, layout: Layout | None) -> Dataset:
    name = type(source).__name__
    count = _length(source, name)
    first, _ = _item(source, 0, name)
    again, _ = _item(source, 0, name)
    if not np.array_equal(first, again, equal_nan=first.dtype.kind == "f"):
        raise DataError(
            f"{name} gives another input each time item 0 is read: it holds a random transform. Remove it there, "
            "and declare the augmentation in the recipe, so that validation and test stay clean."
        )
    inputs = empty((count, *first.shape), first.dtype, options.cache)
    targets = []
    for place in range(count):
        value, target = _item(source, place, name)
        if value.shape != first.shape:
            raise DataError(
                f"{name}: all inputs must have one shape; item 0 has {first.shape}, item {place} has {value.shape}. "
                "Resize them in the data set."
            )
        inputs[place] = value
        targets.append(target)
    return array_dataset(inputs, _named(targets, source), name, options, layout)


def _named(targets: list[Any], source: Any) -> NDArray[Any]:
    """Targets by name where the data set has an attribute ``classes``, as those of torchvision do."""
    codes = np.asarray(targets)
    names = getattr(source, "classes", None)
    if not isinstance(names, list | tuple) or codes.dtype.kind not in "iu" or codes.ndim != 1:
        return codes
    if not all(isinstance(name, str) for name in names) or codes.min() < 0 or codes.max() >= len(names):
        return codes
    return np.asarray([names[code] for code in codes])


def _length(source: Any, name: str) -> int:
    try:
        count = len(source)
    except (TypeError, NotImplementedError):
        raise DataError(
            f"{name} has no length; a map-style data set is needed. Collect the items in a list first."
        ) from None
    if not count:
        raise DataError(f"{name} is empty. Bring rows.")
    return count


def _item(source: Any, place: int, name: str) -> tuple[NDArray[Any], Any]:
    item = source[place]
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(f"{name}: item {place} must be (input, target); got {type(item).__name__}.")
    value, target = item
    if isinstance(value, Image.Image):
        value = np.asarray(value if value.mode in ("L", "RGB") else value.convert("RGB"))
    elif isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(target, torch.Tensor):
        target = target.item() if target.numel() == 1 else target.tolist()
    return np.asarray(value), target


SOURCE = Source("torch", _accepts, _read)
