"""A regularizer is one file, one final class, one test file and one line of its folder's `__init__.py`."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = REPOSITORY / "src" / "bridle" / "regularizers"
TESTS = REPOSITORY / "tests" / "regularizers"
FILES = sorted(path for path in CATALOGUE.glob("*/*.py") if not path.name.startswith("_"))

regularizer_files = pytest.mark.parametrize(
    "path", [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in FILES]
)


def dotted(path: Path) -> str:
    return f"bridle.regularizers.{path.parent.name}.{path.stem}"


def public_classes(path: Path) -> list[type]:
    module = importlib.import_module(dotted(path))
    own = [item for item in vars(module).values() if inspect.isclass(item) and item.__module__ == module.__name__]
    return [item for item in own if not item.__name__.startswith("_")]


def imported_modules(path: Path) -> set[str]:
    """The absolute names that a file imports from or imports, whatever the place and the form."""
    names: set[str] = set()
    package = dotted(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            names.add(source)
            names.update(f"{source}.{alias.name}" for alias in node.names)
    return names


def test_the_catalogue_is_not_empty():
    assert FILES


@regularizer_files
def test_one_final_public_class(path):
    classes = public_classes(path)
    assert len(classes) == 1, f"{path.name} must hold exactly one public class; it holds {classes}"
    (regularizer,) = classes
    assert getattr(regularizer, "__final__", False), f"decorate {regularizer.__name__} with typing.final"
    assert not inspect.isabstract(regularizer)


@regularizer_files
def test_the_folder_names_the_class(path):
    name = public_classes(path)[0].__name__
    package = importlib.import_module(f"bridle.regularizers.{path.parent.name}")
    assert name in package.__all__, (
        f"add this line to regularizers/{path.parent.name}/__init__.py, and {name!r} to its __all__:\n"
        f"from {dotted(path)} import {name}"
    )


@regularizer_files
def test_there_is_a_test_file_of_the_same_name(path):
    expected = TESTS / path.parent.name / f"test_{path.stem}.py"
    assert expected.is_file(), f"write {expected.relative_to(REPOSITORY)}"


@regularizer_files
def test_regularizers_never_import_each_other(path):
    others = {dotted(other) for other in FILES if other != path}
    found = others & imported_modules(path)
    assert not found, f"{dotted(path)} imports {sorted(found)}: what they share belongs to a file named _*.py"
