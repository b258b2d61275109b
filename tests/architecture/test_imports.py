"""Importing Bridle costs little: torch comes with what needs it, and never with the records or the report."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import bridle

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "bridle"
# The modules that a plain `import bridle` and `bridle --help` must not pay for.
HEAVY = ("torch", "sklearn", "optuna", "polars", "plotly", "scipy")


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after the statement."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return set(process.stdout.splitlines()[-1].split())


def module_names(folder: str) -> list[str]:
    """Every module under a folder of the package, the folder's own first."""
    parts = [path.relative_to(SOURCE.parent).with_suffix("").parts for path in (SOURCE / folder).rglob("*.py")]
    names = {".".join(part for part in names if part != "__init__") for names in parts}
    return sorted(names)


@pytest.mark.parametrize("statement", ["import bridle", "import bridle.cli"])
def test_the_front_door_is_light(statement):
    assert not modules_after(statement).intersection(HEAVY)


@pytest.mark.parametrize("folder", ["records", "report"])
def test_records_and_report_do_without_torch(folder):
    names = module_names(folder)
    assert names
    assert "torch" not in modules_after("import " + ", ".join(names))


def test_every_public_name_resolves():
    assert bridle.__all__
    for name in bridle.__all__:
        assert getattr(bridle, name) is not None, name


def test_public_names_are_listed_once():
    assert len(bridle.__all__) == len(set(bridle.__all__))
    assert set(bridle.__all__) <= set(dir(bridle))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bridle.no_such_name


@pytest.mark.parametrize("command", ["bridle"])
def test_the_commands_of_the_package_exist(command):
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"][command].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
