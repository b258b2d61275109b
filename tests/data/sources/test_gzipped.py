import gzip

import pytest

from bridle.data.sources.gzipped import content, is_packed, unpacked
from bridle.errors import DataError

TEXT = b"a,b\n" + b"1,2\n" * 1000


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(TEXT))
    return path


def test_a_plain_file_is_itself(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(TEXT)
    assert not is_packed(path)
    assert content(path) == TEXT
    with unpacked(path) as plain:
        assert plain == path


def test_a_packed_file_is_unpacked_for_a_while(packed, cache):
    assert content(packed) == TEXT
    with unpacked(packed) as plain:
        assert plain.name == "table.csv"
        assert plain.read_bytes() == TEXT
    assert list(cache.iterdir()) == []


def test_a_truncated_file_is_refused(packed):
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"table\.csv\.gz is a truncated gzip file"):
        content(packed)
    with pytest.raises(DataError, match="truncated gzip file: it ends too early"), unpacked(packed):
        pass


def test_a_damaged_file_is_refused(packed):
    data = bytearray(packed.read_bytes())
    data[20] ^= 0xFF
    packed.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"is a (damaged|truncated) gzip file"):
        content(packed)
