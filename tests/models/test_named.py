import re
import sys

import pytest

from bridle.errors import ModelError
from bridle.models.named import load_named, told


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    folder = tmp_path / "user_nets"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text("def make_net():\n    return 7\nsize = 3\n")
    (folder / "needy.py").write_text("import no_such_library\n")
    (folder / "broken.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "user_nets"]:
        del sys.modules[name]


def test_it_is_found_in_the_working_directory():
    assert load_named("user_nets.good:make_net", "--loss")() == 7


@pytest.mark.parametrize("spec", ["user_nets.good", "user_nets.good:", ":make_net", ""])
def test_the_form(spec):
    with pytest.raises(ModelError, match=re.escape(f"--loss must have the form package.module:name; got {spec!r}.")):
        load_named(spec, "--loss")


@pytest.mark.parametrize("module", ["user_nets.nothing", "no_nets.good"])
def test_a_missing_module(module):
    with pytest.raises(ModelError, match=f"there is no module '{module if 'user' in module else 'no_nets'}'; the"):
        load_named(f"{module}:make_net", "--loss")


def test_a_module_that_lacks_something_itself():
    message = "importing 'user_nets.needy' failed: ModuleNotFoundError: No module named 'no_such_library'"
    with pytest.raises(ModelError, match=message):
        load_named("user_nets.needy:make_net", "--loss")


def test_a_module_that_fails():
    with pytest.raises(ModelError, match=r"importing 'user_nets.broken' failed: ZeroDivisionError"):
        load_named("user_nets.broken:make_net", "--loss")


def test_a_missing_name_with_the_nearest():
    with pytest.raises(ModelError, match=r"has no 'make_nett'. Did you mean 'make_net'\?"):
        load_named("user_nets.good:make_nett", "--loss")


def test_what_cannot_be_called():
    with pytest.raises(ModelError, match=r"must name something that can be called; got int."):
        load_named("user_nets.good:size", "--loss")


def test_an_error_is_told_in_a_line():
    assert told(KeyError("x")) == "KeyError: 'x'"
