"""Each check is in a file of its name, has a test of its name, and says where it is seen."""

from pathlib import Path

import pytest

from bridle.auditing import checks
from bridle.auditing.catalogue import checks_seen_in

FILES = sorted(path.stem for path in Path(checks.__path__[0]).glob("[a-z]*.py"))


def test_every_file_is_one_check():
    names = {check.name for where in ("audit", "script", "run") for check in checks_seen_in(where)}
    assert sorted(names) == FILES


@pytest.mark.parametrize("name", FILES)
def test_every_check_is_tested(name):
    assert (Path(__file__).parent / "checks" / f"test_{name}.py").is_file()


def test_places():
    for where in ("audit", "script", "run"):
        assert all(set(check.seen_in) <= {"audit", "script", "run"} for check in checks_seen_in(where))
    assert "declared_decay" not in {check.name for check in checks_seen_in("audit")}
    assert {check.name for check in checks_seen_in("run")} >= {"denormals", "stale_batch_norm", "shared_rows"}
    for own in ("collapsed_candidates", "collapsed_weights", "idle_strength"):
        assert next(check for check in checks_seen_in("run") if check.name == own).seen_in == ("run",)
