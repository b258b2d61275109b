"""Small data sets, and a cache folder of the tests' own."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from bridle.data.dataset import Dataset
from bridle.records import Column, Kind, Layout, Task


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, fresh for each test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BRIDLE_CACHE", str(folder))
    return folder


@pytest.fixture
def classes() -> Callable[..., Dataset]:
    """A table of two numbers and one category with the given class codes."""

    def make(codes: Sequence[int], **more: object) -> Dataset:
        targets = np.asarray(codes, dtype=np.int64)
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(len(targets), 3)).astype(np.float32)
        inputs[:, 2] = rng.integers(2, 5, len(targets))
        columns = (Column("height"), Column("width", None, True), Column("colour", ("blue", "green", "red")))
        names = tuple(f"class {code}" for code in range(int(targets.max()) + 1))
        layout = Layout(Kind.TABLE, Task.CLASSIFICATION, (3,), "kind", columns, names)
        return Dataset(inputs, targets, layout, **more)

    return make


@pytest.fixture
def numbers() -> Callable[..., Dataset]:
    """A table of one number with the given numbers as targets."""

    def make(values: Sequence[float], **more: object) -> Dataset:
        targets = np.asarray(values, dtype=np.float64)
        inputs = np.arange(len(targets), dtype=np.float32)[:, None]
        layout = Layout(Kind.TABLE, Task.REGRESSION, (1,), "price", (Column("size"),))
        return Dataset(inputs, targets, layout, **more)

    return make


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str], Path]:
    """Write a text as a csv file."""

    def write(text: str, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
