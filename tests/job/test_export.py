import csv
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from bridle.errors import RunError, StorageError
from bridle.job.export import check_free, write_predictions


def test_classes_with_difficult_names(tmp_path):
    names = ("prediction", 'a "quoted", one', "line\nbreak")
    predictions = SimpleNamespace(prediction=np.array(names), probabilities=np.eye(3, dtype=np.float32), classes=names)
    write_predictions(predictions, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["prediction", *(f"probability_{name}" for name in names)]
    assert [row[0] for row in rows] == list(names)
    assert [float(row[2]) for row in rows] == [0.0, 1.0, 0.0]


def test_numbers_survive_exactly(tmp_path):
    numbers = np.array([0.1, 1e-300, -3.0])
    write_predictions(SimpleNamespace(prediction=numbers, probabilities=None, classes=()), tmp_path / "p.csv")
    table = pl.read_csv(tmp_path / "p.csv")
    assert table.columns == ["prediction"]
    assert table["prediction"].to_list() == numbers.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


def test_what_exists_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"exists and is not overwritten\. Name another file, or add --overwrite"):
        check_free(tmp_path, overwrite=True)
    (tmp_path / "p.csv").touch()
    with pytest.raises(RunError, match="exists and is not overwritten"):
        check_free(tmp_path / "p.csv")
    check_free(tmp_path / "p.csv", overwrite=True)
    check_free(tmp_path / "q.csv")
    with pytest.raises(RunError, match="does not exist"):
        check_free(tmp_path / "no" / "q.csv")


def test_a_full_disk(tmp_path, monkeypatch):
    def write_csv(frame, path):
        path.write_text("half of")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", write_csv)
    predictions = SimpleNamespace(prediction=np.zeros(2), probabilities=None, classes=())
    with pytest.raises(StorageError, match=r"p\.csv' cannot be written: No space left on device"):
        write_predictions(predictions, tmp_path / "p.csv")
    assert not list(tmp_path.iterdir())
