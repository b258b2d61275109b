"""Images that are already arrays: from any common arrangement to ``(N, channels, height, width)``."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bridle.data.dataset import Dataset, blocks
from bridle.data.options import Options
from bridle.data.targets import Target, encode_known, encode_target, no_target
from bridle.errors import DataError
from bridle.records import Kind, Layout, Task

Array = NDArray[Any]
CHANNELS = (1, 3)


def image_dataset(
    images: Array,
    labels: pl.Series | None,
    source: str,
    options: Options,
    layout: Layout | None = None,
    *,
    high: float | None = None,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """The data set of an array of images.

    Args:
        images: ``(N, H, W)``, ``(N, C, H, W)`` or ``(N, H, W, C)`` with 1 or 3 channels, of any number type.
        labels: One target per image, or ``None`` where only a layout is to be met.
        source: The data's name.
        options: The task, where the user said it.
        layout: The layout that the images must have, or ``None``.
        high: The value that means white where the source knows it; 0 then means black.
        notes: What the source noticed.

    Raises:
        DataError: If lengths differ, or the array is no array of images, or does not fit the layout.
    """
    if labels is not None and len(labels) != len(images):
        raise DataError(
            f"{source}: there must be one label per image; got {len(images)} images and {len(labels)} labels. Check "
            "that the files belong together."
        )
    images = channels_first(images, source)
    low, high = _range(images, source, fixed=layout is not None) if high is None else (0.0, float(high))
    if layout is not None:
        images = _fitted(images, high, layout, source)
        target = no_target(len(images), layout) if labels is None else encode_known(labels, source, layout)
        return Dataset(images, target.values, layout, name=source, notes=notes)
    if labels is None:
        raise DataError(f"{source} has no targets; training needs one per image.")
    target = encode_target(labels, source, options.task)
    layout = Layout(Kind.IMAGE, target.task, images.shape[1:], labels.name, classes=target.classes, low=low, high=high)
    return _with_targets(Dataset(images, target.values, layout, name=source, notes=(*notes, *target.notes)), target)


def _with_targets(dataset: Dataset, target: Target) -> Dataset:
    known = np.flatnonzero(target.known)
    if len(known) == len(dataset):
        return dataset
    return dataset.take(known, f"{len(dataset) - len(known)} images without a target were left out.")


def coded(codes: Array, names: tuple[str, ...], source: str) -> pl.Series:
    """Labels by name from codes that a file holds.

    Raises:
        DataError: If a code has no name.
    """
    numbers = np.asarray(codes, np.int64)
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(names)))
    if len(wrong):
        raise DataError(
            f"{source}: image {wrong[0] + 1} has the label {numbers[wrong[0]]}; allowed are 0 to {len(names) - 1}. "
            "Check that the files belong together."
        )
    return pl.Series("label", np.asarray(names, dtype=object)[numbers].tolist(), dtype=pl.String)


def channels_first(images: Array, source: str) -> Array:
    """``(N, C, H, W)`` of uint8 or float32."""
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[1] not in CHANNELS and images.shape[3] in CHANNELS:
        images = np.moveaxis(images, 3, 1)
    if images.ndim != 4 or images.shape[1] not in CHANNELS or 0 in images.shape:
        raise DataError(
            f"{source}: images must have the shape (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels; got "
            f"{images.shape}. Reshape the array."
        )
    return _typed(images, source)


def _typed(images: Array, source: str) -> Array:
    if images.dtype == np.uint8:
        return images if images.flags.c_contiguous else np.ascontiguousarray(images)
    if not (np.issubdtype(images.dtype, np.number) or images.dtype == np.bool_) or np.iscomplexobj(images):
        raise DataError(f"{source}: images must be numbers; got {images.dtype}. Convert the array to uint8 or float32.")
    if np.issubdtype(images.dtype, np.floating):
        return np.ascontiguousarray(images, dtype=np.float32)
    if images.min() >= 0 and images.max() <= 255:
        return np.ascontiguousarray(images, dtype=np.uint8)
    return np.ascontiguousarray(images, dtype=np.float32)


def _range(images: Array, source: str, *, fixed: bool) -> tuple[float, float]:
    """What means black and white: the narrowest usual range that holds all values, else their least and greatest."""
    least = min(float(block.min()) for block in blocks(images))
    most = max(float(block.max()) for block in blocks(images))
    if not np.isfinite([least, most]).all():
        where = int(np.flatnonzero(~np.isfinite(images.reshape(len(images), -1)).all(1))[0])
        raise DataError(
            f"{source}: image {where + 1} holds NaN or an infinity; images must be finite. Correct or remove it."
        )
    if least == most and not fixed:
        raise DataError(
            f"{source}: every pixel of every image is {least:g}; there is nothing to learn. Check the array."
        )
    usual = [(0.0, 255.0)] if images.dtype == np.uint8 and most > 1 else [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]
    return next(((low, high) for low, high in usual if low <= least and most <= high), (least, most))


def _fitted(images: Array, high: float, layout: Layout, source: str) -> Array:
    """Images in the range of a layout: numbers up to 1 and up to 255 are told apart."""
    if layout.kind is not Kind.IMAGE or images.shape[1:] != layout.shape:
        raise DataError(
            f"{source}: images of shape {layout.shape} are expected, as in training; got {images.shape[1:]}. Resize "
            "them."
        )
    if (high, layout.high) == (255, 1):
        return np.asarray(images / np.float32(255), dtype=np.float32)
    if (high, layout.high) == (1, 255) and images.dtype != np.uint8:
        return images * np.float32(255)
    return images


def labelled(options: Options) -> Options:
    """The options for labels that are classes by their nature: classification, unless the user said otherwise."""
    return replace(options, task=options.task or Task.CLASSIFICATION)
