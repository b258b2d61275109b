import pytest

from bridle.data.options import Options
from bridle.errors import DataError


def test_size_is_bounded():
    with pytest.raises(DataError, match=r"size must lie in \[1, 4096\] pixels; got 0"):
        Options(size=0)


def test_bad_images_is_one_of_two_words():
    with pytest.raises(DataError, match='bad_images must be "refuse" or "skip"; got \'ignore\''):
        Options(bad_images="ignore")


def test_group_and_time_exclude_each_other():
    with pytest.raises(DataError, match="either by group or in time order; got both group 'a' and time 'b'"):
        Options(group="a", time="b")


def test_a_column_has_one_role():
    with pytest.raises(DataError, match=r"one role only .*; 'a' was named for two"):
        Options(target="a", weights="a")
