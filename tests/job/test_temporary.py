import pytest

from bridle.core import Recipe, Training
from bridle.errors import ScopeError
from bridle.job.temporary import temporary_job
from bridle.regularizers.penalties import L2


def test_the_folder_goes_away_with_the_job():
    with temporary_job("iris", Recipe(training=Training(epochs=1)), None, {"share": 0.5}) as job:
        folder = job.workspace.folder
        assert (folder / "job.json").is_file()
        assert (len(job.rows), len(job.sealed)) == (75, 75)
    assert not folder.parent.exists()
    assert job.seconds["total"] > 0


def test_it_goes_away_after_an_error_too(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (
        pytest.raises(ScopeError, match="nowhere"),
        temporary_job("iris", Recipe(L2(1.0, scope={"names": "nowhere"})), None, {}),
    ):
        pass
    assert not list(tmp_path.iterdir())
