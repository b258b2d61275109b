import hashlib
from dataclasses import replace

import numpy as np
import pytest

from bridle.data.dataset import BLOCK, Dataset, blocks
from bridle.errors import DataError


def test_lengths_must_agree(classes):
    with pytest.raises(DataError, match="one entry of weights per row; got 4 rows and 3 weights"):
        classes([0, 1, 0, 1], weights=np.ones(3))


def test_rows_must_have_the_shape_of_the_layout(classes):
    data = classes([0, 1])
    with pytest.raises(DataError, match=r"must have the shape \(3,\) of the layout; got \(2,\)"):
        replace(data, inputs=data.inputs[:, :2])


def test_fingerprint_depends_on_inputs_and_targets_only(classes):
    data = classes([0, 1, 1])
    assert data.fingerprint == replace(data, name="other", notes=("a",)).fingerprint
    assert data.fingerprint != replace(data, targets=np.array([1, 1, 0])).fingerprint
    assert data.fingerprint != replace(data, inputs=data.inputs + 1).fingerprint
    digest = hashlib.sha256(b"<f4(3, 3)" + data.inputs.tobytes() + b"<i8(3,)" + data.targets.tobytes())
    assert data.fingerprint == digest.hexdigest()


def test_blocks_cover_an_array_in_order():
    array = np.arange(3 * BLOCK // 8 + 5, dtype=np.int64)
    pieces = list(blocks(array))
    assert len(pieces) > 2
    np.testing.assert_array_equal(np.concatenate(pieces), array)


def test_counts_and_known(classes, numbers):
    data = classes([0, 1, 1, -1, 2])
    assert data.counts() == {"class 0": 1, "class 1": 2, "class 2": 1}
    assert data.counts(np.array([0, 4])) == {"class 0": 1, "class 1": 0, "class 2": 1}
    assert data.known.tolist() == [True, True, True, False, True]
    assert not data.has_targets
    assert numbers([1.0, np.nan]).known.tolist() == [True, False]
    assert numbers([1.0, 2.0]).has_targets
    assert numbers([1.0]).counts() == {}


def test_take_keeps_everything_of_the_rows(classes):
    data = classes([0, 1, 1, 0], weights=np.arange(4.0), groups=np.arange(4), times=np.arange(4.0))
    rows = np.array([3, 1])
    part = data.take(rows, "two rows")
    for name in ("inputs", "targets", "weights", "groups", "times"):
        np.testing.assert_array_equal(getattr(part, name), getattr(data, name)[rows])
    assert part.notes == ("two rows",)
    assert isinstance(part, Dataset)
    assert len(part) == 2
