"""Modules of the script's own are followed like the script, others not; neither they nor their files stay changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridle.auditing.loops import Loops
from bridle.auditing.modules import Modules

LOOP = """def run(count):
    for i in range(count):
        if len(str(i)) + other() > 1:
            break
    return i
"""
MODULE = "def other(): return 1\n" + LOOP


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A script in a folder of its own with modules; ``run()`` gives what its loops told, and its variables."""
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.syspath_prepend(tmp_path)

    def run(script, modules=None):
        for name, text in (modules or {}).items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        path, told, space = tmp_path / "script.py", [], {"__name__": "__main__"}
        path.write_text(script)
        own = Modules(path)
        before = list(sys.meta_path), set(sys.modules)
        try:
            with (
                Loops(lambda loop: told.append(loop), lambda loop: told.append(f"left {loop}")).followed(),
                own.followed(),
            ):
                exec(own.main(), space)
        finally:
            assert sys.meta_path == before[0]
            left = {name: sys.modules[name] for name in set(sys.modules) - before[1]}
            for name in left:
                del sys.modules[name]
        return told, space, left

    return run


def test_a_module_beside_the_script(project, tmp_path):
    told, space, left = project("from training_loop import run\nfound = run(9)\n", {"training_loop": MODULE})
    assert (told, space["found"], left) == ([0, "left 0"], 0, {})
    assert not list(tmp_path.rglob("*.pyc"))


def test_a_package_and_what_it_imports(project):
    told, _, left = project(
        f"from training import run\n{LOOP.replace('run', 'own').replace('other()', '1')}own(3)\nrun(9)\nown(3)\n",
        {
            "training/__init__": "from .parts.loop import run\n",
            "training/parts/__init__": "",
            "training/parts/loop": MODULE,
        },
    )
    assert (told, left) == ([0, "left 0", 1, "left 1", 0, "left 0"], {})


def test_a_module_below_the_current_folder(project, tmp_path, monkeypatch):
    elsewhere = tmp_path.parent / f"{tmp_path.name}_elsewhere"
    elsewhere.mkdir()
    (elsewhere / "loop_from_elsewhere.py").write_text(MODULE)
    monkeypatch.syspath_prepend(elsewhere)
    told, _, left = project("from loop_from_elsewhere import run\nrun(9)\n")
    assert (told, set(left)) == ([], {"loop_from_elsewhere"})
    monkeypatch.chdir(elsewhere)
    assert project("from loop_from_elsewhere import run\nrun(9)\n")[0] == [0, "left 0"]


@pytest.mark.parametrize("folder", ["lib/site-packages", "dist-packages", "environment/code"])
def test_libraries_below_the_script_are_none_of_its_own(project, tmp_path, monkeypatch, folder):
    place = tmp_path / folder
    place.mkdir(parents=True)
    if folder.startswith("environment"):
        (tmp_path / "environment" / "pyvenv.cfg").touch()
    (place / "installed_loop.py").write_text(MODULE)
    monkeypatch.syspath_prepend(place)
    assert project("from installed_loop import run\nrun(9)\n")[0] == []


def test_python_and_bridle_are_none_of_the_scripts_own(tmp_path):
    import bridle

    own = Modules(Path(bridle.__file__).parents[1] / "script.py")
    assert own.find_spec("bridle.errors", [str(Path(bridle.__file__).parent)]) is None
    assert Modules(Path(os.__file__).parent / "script.py").find_spec("colorsys") is None
    assert own.find_spec("no_such_module_anywhere") is None


def test_a_failure_shows_its_line(project):
    with pytest.raises(ZeroDivisionError) as caught:
        project("import failing\nfailing.run(9)\n", {"failing": f"{MODULE}\n\ndef other():\n    return 1 / 0\n"})
    last, before = caught.traceback[-1], caught.traceback[-2]
    assert (last.path.name, last.lineno, str(last.statement).strip()) == ("failing.py", 9, "return 1 / 0")
    assert (before.lineno, str(before.statement).strip()) == (3, "if len(str(i)) + other() > 1:")


def test_what_is_no_python_fails_as_always(project):
    with pytest.raises(SyntaxError, match="invalid syntax") as caught:
        project("import broken_text\n", {"broken_text": "x = 1\nfor\n"})
    assert (Path(caught.value.filename).name, caught.value.lineno) == ("broken_text.py", 2)


def test_code_that_python_keeps_is_neither_read_nor_written(project, tmp_path):
    (tmp_path / "kept.py").write_text(MODULE)
    command = [sys.executable, "-c", "import kept"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=tmp_path, check=True, env=environment)
    (before,) = ((path, path.read_bytes()) for path in tmp_path.rglob("kept*.pyc"))
    assert project("from kept import run\nrun(9)\n")[0] == [0, "left 0"]
    assert before[0].read_bytes() == before[1]
