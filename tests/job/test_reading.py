import pytest

from bridle.data.options import Options
from bridle.errors import DataError
from bridle.job.reading import options_of
from bridle.records import Task


def test_plain_values():
    assert options_of({"target": None, "drop": ["a"], "categorical": "b", "task": "regression", "size": 8}) == Options(
        drop=("a",), categorical=("b",), task=Task.REGRESSION, size=8
    )
    assert options_of({"drop": None, "task": None}) == Options()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "guess"}, r"task must be one of classification, regression; got 'guess'\."),
        ({"traget": "y"}, r"'traget' is no option of reading data; known are target, task, size"),
    ],
)
def test_mistakes(given, message):
    with pytest.raises(DataError, match=message):
        options_of(given)
