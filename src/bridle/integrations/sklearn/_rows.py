"""What scikit-learn's users call X, y, sample_weight and groups, checked and turned into a data set."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_array, check_consistent_length, validate_data

from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.data.sources.arrays import TARGET, array_dataset
from bridle.data.sources.frame import is_frame, to_polars
from bridle.errors import DataError
from bridle.records import Layout, Task

Array = NDArray[Any]
Rows = pl.DataFrame | Array


def inputs(estimator: BaseEstimator, X: Any, *, fitting: bool) -> Rows:
    """The rows as a frame whose columns are named as in fit, or as images where the estimator has an ``image_shape``.

    It sets or checks ``n_features_in_`` and ``feature_names_in_``. The columns of a data frame keep their types; any
    other array must be numbers, with NaN for missing ones.

    Raises:
        DataError: If they cannot be read.
        ValueError: If scikit-learn refuses them: another number of columns, other names, infinities ...
        TypeError: If they are sparse.
    """
    if is_frame(X):
        validate_data(estimator, X, reset=fitting, skip_check_array=True)
        frame = to_polars(X, "X")
        if fitting and len(frame) < 2:
            raise DataError(f"X holds {len(frame)} sample(s); fit needs at least 2. Bring more rows.")
        if estimator.image_shape is None:
            return frame.rename(dict(zip(frame.columns, _names(estimator), strict=True)))
        X = frame.to_numpy()
    array = _numbers(estimator, X, fitting=fitting)
    if estimator.image_shape is not None:
        return _images(array, tuple(estimator.image_shape))
    return pl.DataFrame(dict(zip(_names(estimator), np.asfortranarray(array).T, strict=True)))


def _numbers(estimator: BaseEstimator, X: Any, *, fitting: bool) -> Array:
    try:
        array: Array = validate_data(
            estimator, X, reset=fitting, ensure_all_finite="allow-nan", ensure_min_samples=1 + fitting
        )
    except ValueError as error:
        if not any(sign in str(error) for sign in ("could not convert", "arrays of bytes/strings")):
            raise
        raise DataError(
            f"X must hold numbers where it is no data frame ({error}). Give a pandas or polars data frame: its columns "
            "keep their types, and texts become categories."
        ) from None
    return array


def _names(estimator: BaseEstimator) -> list[str]:
    """The names of the columns: those of the data frame in fit, else ``x0``, ``x1`` ..."""
    known = getattr(estimator, "feature_names_in_", None)
    return [f"x{place}" for place in range(estimator.n_features_in_)] if known is None else list(known)


def _images(array: Array, shape: tuple[int, ...]) -> Array:
    if len(shape) not in (2, 3) or int(np.prod(shape)) != array.shape[1]:
        raise DataError(
            f"image_shape must be (height, width) or (channels, height, width) with as many numbers as X has columns; "
            f"got {shape} for {array.shape[1]} columns."
        )
    return array.reshape(len(array), *shape)


def targets(estimator: BaseEstimator, rows: Rows, y: Any) -> Array:
    """``y`` as ``(N,)``, complete and as long as the rows.

    Raises:
        ValueError: If it is not.
    """
    if y is None:
        raise DataError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    found: Array = column_or_1d(y, warn=True)
    assert_all_finite(found, input_name="y")
    check_consistent_length(rows, found)
    return found


def positive_weights(rows: Rows, weights: Any) -> tuple[NDArray[np.bool_], Array | None]:
    """Which rows have a positive weight, and the weights of these; ``None`` where there are none.

    Raises:
        ValueError: If a weight is negative or not finite, all are 0, or there is not one per row.
    """
    if weights is None:
        return np.ones(len(rows), dtype=np.bool_), None
    found = _check_sample_weight(weights, rows, dtype=np.float64, ensure_non_negative=True)
    return found > 0, found[found > 0]


def group_labels(rows: Rows, groups: Any) -> Array | None:
    """Anything that tells groups apart, one per row.

    Raises:
        ValueError: If it is not one per row.
    """
    if groups is None:
        return None
    found: Array = check_array(groups, ensure_2d=False, dtype=None, input_name="groups")
    check_consistent_length(rows, found)
    return found


def training_rows(
    estimator: BaseEstimator,
    rows: Rows,
    kept: NDArray[np.bool_],
    y: Array,
    *,
    classes: Sequence[Any],
    weights: Array | None,
    groups: Array | None,
) -> Dataset:
    """The data set to train on.

    Args:
        estimator: Says which columns are categories, in ``categorical``.
        rows: What :func:`inputs` gave.
        kept: ``(rows,)`` which of them to train on, ``N`` in number.
        y: ``(N,)`` codes of classes, or numbers.
        classes: The classes in the order of their codes; empty for a regression.
        weights: ``(N,)`` positive weights, or ``None``.
        groups: ``(rows,)`` anything that tells groups apart, or ``None``.
    """
    columns = rows.columns if isinstance(rows, pl.DataFrame) else []
    target = next(name for name in (TARGET + "_" * count for count in range(len(columns) + 1)) if name not in columns)
    task = Task.CLASSIFICATION if classes else Task.REGRESSION
    options = Options(target=target, task=task, categorical=_categorical(estimator.categorical, columns))
    dataset = array_dataset(rows.filter(kept) if isinstance(rows, pl.DataFrame) else rows[kept], y, "X", options, None)
    layout = replace(dataset.layout, classes=tuple(str(name) for name in classes))
    numbers = None if groups is None else np.unique(groups[kept], return_inverse=True)[1].astype(np.int64)
    return replace(dataset, layout=layout, weights=weights, groups=numbers)


def _categorical(asked: Any, columns: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns that are named, or counted from 0."""
    asked = () if asked is None else (asked,) if isinstance(asked, str | int) else tuple(asked)
    wrong = [item for item in asked if not isinstance(item, str) and not 0 <= item < len(columns)]
    if wrong:
        raise DataError(f"categorical must name columns, or count them from 0 to {len(columns) - 1}; got {wrong[0]!r}.")
    return tuple(item if isinstance(item, str) else columns[item] for item in asked)


def rows_to_predict(estimator: BaseEstimator, X: Any, layout: Layout) -> Dataset:
    """The data set of rows without a target, laid out as in fit."""
    return array_dataset(inputs(estimator, X, fitting=False), None, "X", Options(), layout)
