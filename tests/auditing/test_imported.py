"""A module is acted on as soon as it is there, and never imported for it."""

import sys

import pytest

from bridle.auditing.imported import when_imported


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "thing_to_import.py").write_text("value = 3\n")
    (tmp_path / "other_thing_to_import.py").write_text("value = 4\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "thing_to_import"
    for name in ("thing_to_import", "other_thing_to_import"):
        sys.modules.pop(name, None)


def test_once_it_is_loaded(module):
    seen, before = [], list(sys.meta_path)
    with when_imported(module, lambda loaded: seen.append(loaded.value)):
        assert seen == []
        assert module not in sys.modules
        __import__("other_thing_to_import")
        assert seen == []
        __import__(module)
        assert seen == [3]
        assert sys.meta_path == before
    assert sys.meta_path == before


def test_at_once_where_it_is_loaded_already(module):
    __import__(module)
    seen = []
    with when_imported(module, seen.append):
        assert seen == [sys.modules[module]]


def test_never(module):
    seen, before = [], list(sys.meta_path)
    with when_imported("no_such_module_anywhere", seen.append), pytest.raises(ModuleNotFoundError):
        __import__("no_such_module_anywhere")
    with when_imported(module, seen.append):
        pass
    assert sys.meta_path == before
    __import__(module)
    assert seen == []
