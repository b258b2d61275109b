import pytest

from bridle.errors import StorageError
from bridle.records.feature_path import CountScore
from bridle.report.feature_path import write_feature_path

SCORES = (CountScore(1, (0.5, 0.6), 0.55, 0.05), CountScore(2, (0.9, 0.8), 0.85, 0.05))
HOSTILE = "</script><script>alert(1)</script>"


def write(path):
    return write_feature_path(path, HOSTILE, "2 kept.", SCORES, "accuracy", {HOSTILE: 2.0, "b": 1.0}, [HOSTILE, "b"])


def test_the_page_holds_everything_and_no_markup_of_the_datas(tmp_path):
    path = write(tmp_path / "path.html")
    text = path.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert text.count('class="drawing"') == 2
    assert "2 kept." in text
    assert "src=" not in text.partition("<script>")[0]
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(StorageError, match=r"absent/path\.html could not be written"):
        write(tmp_path / "absent" / "path.html")
