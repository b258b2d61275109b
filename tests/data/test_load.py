import numpy as np
import pytest

from bridle.data.load import load, load_pair
from bridle.data.options import Options
from bridle.errors import DataError

TRAIN = "size,kind\n1,x\n2,y\n4,x\n"


def test_a_path_beats_a_bundled_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(load("digits")) == 1797
    (tmp_path / "digits").mkdir()
    with pytest.raises(
        DataError, match="digits holds nothing that can be read; a folder must hold one folder of images"
    ):
        load("digits")


def test_a_missing_file_is_named_with_the_nearest(csv):
    path = csv(TRAIN, "houses.csv")
    with pytest.raises(DataError, match=r"no file or folder .*house.csv'.*Did you mean .*houses.csv\?"):
        load(path.with_name("house.csv"))
    with pytest.raises(DataError, match=r"no bundled data set .*digits, iris.*Did you mean digits\?"):
        load("digit")


def test_unknown_formats_and_types(csv):
    with pytest.raises(DataError, match=r"the format '\.xlsx' is not known; allowed are csv, tsv and parquet"):
        load(csv("x", "table.xlsx"))
    with pytest.raises(DataError, match=r"Data must be a path, \(X, y\).*got int"):
        load(3)


def test_a_test_file_is_laid_out_as_the_training_file(csv):
    train, test = load_pair(csv(TRAIN), csv("kind,size\ny,3\n,5\nx,7\n", "test.csv"), Options(target="kind"))
    assert test.layout is train.layout
    assert test.inputs[:, 0].tolist() == [3, 7]
    assert test.targets.tolist() == [1, 0]
    assert test.notes == ("1 test rows without a target were left out.",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,kind\n3,z\n", "holds the class 'z' in row 1, which the training data does not have"),
        ("size\n3\n", "a test set needs the target 'kind'; it holds none"),
        ("length,kind\n3,x\n", "no column 'size'"),
        ("size,kind\nbig,x\n", "column 'size' holds numbers, but row 1 holds the text 'big'"),
    ],
)
def test_a_test_file_that_does_not_fit(csv, text, message):
    with pytest.raises(DataError, match=message):
        load_pair(csv(TRAIN), csv(text, "test.csv"), Options(target="kind"))


def test_the_users_test_goes_before_the_official_one(tmp_path):
    rows, kinds = np.array([[1.0], [2.0], [4.0]]), np.array(["x", "y", "x"])
    np.savez(tmp_path / "data.npz", X=rows, y=kinds, X_test=rows, y_test=kinds)
    assert len(load_pair(tmp_path / "data.npz")[1]) == 3
    assert len(load_pair(tmp_path / "data.npz", (rows[:1], kinds[:1]))[1]) == 1


def test_a_published_test_file(shared_data):
    folder = shared_data / "tables"
    train, test = load_pair(folder / "adult_train.csv.gz", folder / "adult_test.csv.gz", Options(target="class"))
    assert (len(train), len(test)) == (32_561, 16_281)
    assert test.layout is train.layout
