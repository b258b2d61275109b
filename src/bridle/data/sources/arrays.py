"""Arrays ``(X, y)``: rows of numbers as a table, three or four axes as images. Also a frame with a separate target."""

from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from bridle.data.dataset import Dataset
from bridle.data.images import image_dataset
from bridle.data.options import Options
from bridle.data.sources.frame import frame_dataset, is_frame, to_polars
from bridle.data.sources.source import Source
from bridle.errors import DataError
from bridle.records import Layout

TARGET = "target"


def _accepts(source: Any) -> bool:
    if isinstance(source, np.ndarray | torch.Tensor):
        return True
    return isinstance(source, tuple) and len(source) == 2 and not isinstance(source[1], str)


def _read(source: Any, options: Options, layout: Layout | None) -> Dataset:
    inputs, targets = source if isinstance(source, tuple) else (source, None)
    return array_dataset(inputs, targets, "arrays", options, layout)


def array_dataset(inputs: Any, targets: Any, source: str, options: Options, layout: Layout | None) -> Dataset:
    """The data set of inputs and targets.

    Args:
        inputs: ``(N, columns)`` numbers or texts, images as in :func:`~bridle.data.images.image_dataset`, or a frame.
        targets: ``(N,)``, or ``None`` where a layout is given.
        source: The data's name.
        options: How to read it.
        layout: The layout that the rows must have, or ``None``.

    Raises:
        DataError: If lengths or shapes do not fit.
    """
    name = layout.target if layout is not None else options.target or TARGET
    labels = None if targets is None else _labels(targets, name, source)
    if is_frame(inputs):
        frame = to_polars(inputs, source)
    else:
        array = _array(inputs, source)
        if array.ndim in (3, 4):
            return image_dataset(array, labels, source, options, layout)
        frame = _table(array, source)
    if labels is not None:
        _same_length(len(frame), len(labels), source)
        if name in frame.columns:
            raise DataError(f"{source}: X already has a column {name!r}. Rename it, or name the target differently.")
        frame = frame.with_columns(labels)
    elif layout is None:
        raise DataError(f"{source}: training needs (X, y); got X alone. Add the targets.")
    return frame_dataset(frame, name, source, options, layout)


def _array(values: Any, source: str) -> NDArray[Any]:
    """An array from what NumPy understands, and from tensors on any device."""
    if isinstance(values, torch.Tensor):
        return np.asarray(values.detach().cpu().numpy())
    if hasattr(values, "toarray"):
        raise DataError(f"{source}: sparse arrays are not read; got {type(values).__name__}. Use X.toarray().")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{source}: rows must have one length ({error}). Bring them to one shape.") from None


def _labels(targets: Any, name: str, source: str) -> pl.Series:
    if is_frame(targets):
        targets = to_polars(targets, source).to_numpy()
    array = targets.to_numpy() if hasattr(targets, "to_numpy") else _array(targets, source)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(
            f"{source}: targets must have the shape (N,), one class or number per row; got {array.shape}. One-hot "
            "rows become classes with y.argmax(1)."
        )
    return _series(name, array)


def _series(name: str, array: NDArray[Any]) -> pl.Series:
    if array.dtype.kind in "OUS":
        return pl.Series(name, array.tolist(), strict=False)
    return pl.Series(name, np.ascontiguousarray(array))


def _table(array: NDArray[Any], source: str) -> pl.DataFrame:
    if array.ndim != 2 or not array.shape[1]:
        raise DataError(
            f"{source}: X must have the shape (N, columns), or (N, H, W) and (N, C, H, W) for images; got "
            f"{array.shape}. Reshape it."
        )
    return pl.DataFrame([_series(f"x{place}", array[:, place]) for place in range(array.shape[1])])


def _same_length(rows: int, labels: int, source: str) -> None:
    if rows != labels:
        raise DataError(f"{source}: X and y must have one length; got {rows} rows and {labels} targets.")


SOURCE = Source("arrays", _accepts, _read)
