import numpy as np
import pytest

from bridle.data.sealed import SealedTest, split_test
from bridle.errors import DataError


def test_train_and_test_share_nothing_and_cover_all(classes):
    data = classes([0, 1] * 50)
    train, sealed = split_test(data, 0.2, seed=1)
    held, test = sealed.open("the choice is made")
    assert held is data
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(100))
    assert len(test) == len(sealed) == 20


def test_every_opening_is_counted(classes):
    _, sealed = split_test(classes([0, 1] * 5))
    assert sealed.openings == 0
    sealed.open("first")
    sealed.open("second")
    assert sealed.openings == 2
    assert sealed.reasons == ["first", "second"]


def test_a_separate_test_set_is_sealed_whole(classes):
    data = classes([0, 1, 1])
    sealed = SealedTest.of(data)
    held, rows = sealed.open("test")
    assert held is data
    np.testing.assert_array_equal(rows, [0, 1, 2])


def test_nothing_else_gives_the_rows(classes):
    _, sealed = split_test(classes([0, 1] * 5))
    public = [name for name in dir(sealed) if not name.startswith("_")]
    assert sorted(public) == ["nothing", "of", "open", "openings", "reasons"]


def test_a_share_of_nothing_seals_nothing_and_never_opens(classes):
    rows, sealed = split_test(classes([0, 1] * 5), 0)
    np.testing.assert_array_equal(rows, np.arange(10))
    assert (len(sealed), sealed.openings) == (0, 0)
    with pytest.raises(DataError, match=r"no test rows were sealed \(share = 0\), so none can be opened"):
        sealed.open("the final score")


def test_an_empty_test_set_is_refused(classes):
    with pytest.raises(DataError, match="the test set is empty"):
        SealedTest(classes([0, 1]), np.zeros(0, dtype=np.int64))
