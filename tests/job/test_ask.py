import pytest

from bridle.errors import SearchError
from bridle.job.ask import Ask
from bridle.job.workspace import Workspace


def test_a_password_is_not_stored(tmp_path):
    ask = Ask("digits", study="postgresql+psycopg://me:secret@host/name")
    Workspace(tmp_path).save_ask(ask)
    assert "secret" not in (tmp_path / "job.json").read_text()
    assert Workspace(tmp_path).ask().study == "postgresql+psycopg://me@host/name"


@pytest.mark.parametrize(("name", "value"), [("folds", 1), ("points", 0), ("repeats", 0), ("trials", 0)])
def test_numbers_have_a_least_value(name, value):
    with pytest.raises(SearchError, match=rf"{name} must be at least \d; got {value}\."):
        Ask("digits", **{name: value})
