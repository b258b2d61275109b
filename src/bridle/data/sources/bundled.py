"""Data sets that come with scikit-learn, each under its name: real data without a download."""

from typing import Any

import numpy as np
import polars as pl
from sklearn import datasets

from bridle.data.dataset import Dataset
from bridle.data.images import coded, image_dataset, labelled
from bridle.data.options import Options
from bridle.data.sources.frame import frame_dataset
from bridle.data.sources.source import Source
from bridle.records import Layout

NAMES = ("digits", "iris", "wine", "breast_cancer", "diabetes")
TARGETS = {"iris": "species", "wine": "cultivar", "breast_cancer": "diagnosis", "diabetes": "progression"}
WHITE = 16
"""The value of a digit's full pixel."""


def _accepts(source: Any) -> bool:
    return isinstance(source, str) and source in NAMES


def _read(source: str, options: Options, layout: Layout | None) -> Dataset:
    if source == "digits":
        return _digits(options, layout)
    loaded = datasets.load_diabetes(scaled=False) if source == "diabetes" else getattr(datasets, f"load_{source}")()
    frame = pl.DataFrame(loaded.data, schema=list(loaded.feature_names))
    names = tuple(str(name) for name in getattr(loaded, "target_names", ()))
    target = coded(loaded.target, names, source) if names else pl.Series("", loaded.target)
    name = TARGETS[source]
    return frame_dataset(frame.with_columns(target.alias(name)), options.target or name, source, options, layout)


def _digits(options: Options, layout: Layout | None) -> Dataset:
    loaded = datasets.load_digits()
    names = tuple(str(name) for name in loaded.target_names)
    labels = coded(loaded.target, names, "digits").alias("digit")
    return image_dataset(loaded.images.astype(np.uint8), labels, "digits", labelled(options), layout, high=WHITE)


SOURCE = Source("bundled", _accepts, _read)
