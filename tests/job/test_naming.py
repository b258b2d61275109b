from pathlib import Path

import numpy as np
import pytest

from bridle.job.naming import data_name, default_folder


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("digits", "digits"),
        ("a/adult_train.csv.gz", "adult_train"),
        (Path("a/price.v2.PARQUET"), "price.v2"),
        ("photos/", "photos"),
        ("data.npz", "data"),
        (".", Path().resolve().name),
        (".csv", "data"),
        ((np.zeros(2), np.zeros(2)), "data"),
    ],
)
def test_data_name(data, name):
    assert data_name(data) == name


def test_numbers_are_appended_until_free(tmp_path):
    assert default_folder("digits", tmp_path) == tmp_path / "digits"
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits-2").symlink_to(tmp_path / "nowhere")
    assert default_folder("digits", tmp_path) == tmp_path / "digits-3"
