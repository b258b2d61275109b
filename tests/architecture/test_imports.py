"""Importing Bridle costs little: torch comes with what needs it, and never with the records or the report."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
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


def imported(file: Path) -> Iterator[str]:
    """The top-level modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def plain_name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement.lower(), maxsplit=1)[0].replace("_", "-")


def test_only_integrations_need_more_than_is_installed_with_bridle():
    """Strengths learned by evidence, curvatures and packs of models: no library of another's for them."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = {plain_name(name) for name in project["dependencies"]}
    installed |= {
        plain_name(more) for name in sorted(installed) for more in requires(name) or () if "extra" not in more
    }
    files = [file for file in SOURCE.rglob("*.py") if "integrations" not in file.parts]
    needed = {name for file in files for name in imported(file)} - set(sys.stdlib_module_names) - {"bridle"}
    brought = packages_distributions()
    missing = {name for name in needed if not {plain_name(one) for one in brought.get(name, [name])} & installed}
    assert not missing, f"imported outside of integrations and no dependency of Bridle's: {sorted(missing)}"
