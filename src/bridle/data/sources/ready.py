"""A data set that is one already: what an integration has read itself."""

from typing import Any

from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.data.sources.source import Source
from bridle.records import Layout


def _accepts(source: Any) -> bool:
    return isinstance(source, Dataset)


def _read(source: Dataset, _options: Options, _layout: Layout | None) -> Dataset:
    return source


SOURCE = Source("data set", _accepts, _read)
