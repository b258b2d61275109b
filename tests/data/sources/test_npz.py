import numpy as np
import pytest

from bridle.data.load import load, load_pair
from bridle.errors import DataError

X = np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 9.0]])
Y = np.array(["u", "v", "u"])


def test_arrays_by_name(tmp_path):
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    data, test = load_pair(tmp_path / "data.npz")
    np.testing.assert_array_equal(data.inputs, X)
    assert data.targets.tolist() == [0, 1, 0]
    assert data.name == str(tmp_path / "data.npz")
    assert test is None


def test_an_official_test_set(tmp_path):
    np.savez_compressed(tmp_path / "data.npz", x_train=X, y_train=Y, x_test=X[:2] + 1, y_test=Y[:2])
    data, test = load_pair(tmp_path / "data.npz")
    assert len(data) == 3
    np.testing.assert_array_equal(test.inputs, X[:2] + 1)
    assert test.layout == data.layout


def test_inputs_alone_fit_a_layout(tmp_path):
    layout = load((X, Y)).layout
    np.savez(tmp_path / "new.npz", X=X)
    assert len(load(tmp_path / "new.npz", layout=layout)) == 3


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": X, "z": Y}, "must hold the arrays X and y; it holds X, z"),
        ({"X": X, "y": np.array([1, "a", None], dtype=object)}, "arrays of Python objects are refused"),
    ],
)
def test_faults(tmp_path, arrays, message):
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "data.npz")


@pytest.mark.parametrize(("content", "message"), [(b"", r"is empty \(0 bytes\)"), (b"no zip", "is no npz file")])
def test_no_archive(tmp_path, content, message):
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "data.npz")


def test_a_damaged_archive(tmp_path):
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    content = bytearray((tmp_path / "data.npz").read_bytes())
    content[180] ^= 0xFF
    (tmp_path / "data.npz").write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "data.npz")
