"""The shape of the tree: small files, no `utils`, and tests that mirror the sources."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "bridle"
TESTS = REPOSITORY / "tests"
LINES = 300
# Folders whose tests look at the whole rather than at one file.
WHOLE = {"architecture", "end_to_end", "examples"}

MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))
MIRRORS = sorted(
    path.relative_to(TESTS) for path in TESTS.rglob("test_*.py") if not WHOLE & set(path.relative_to(TESTS).parts)
)


def test_there_is_no_utils():
    banned = {"utils", "util", "helpers", "misc", "common"}
    found = [str(module) for module in MODULES if banned & set(module.with_suffix("").parts)]
    assert not found, f"name what these hold: {found}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_files_are_short(module):
    lines = len((SOURCE / module).read_text(encoding="utf-8").splitlines())
    assert lines < LINES, f"{module} has {lines} lines: split it where two choices multiply"


@pytest.mark.parametrize("folder", sorted({module.parent for module in MODULES}), ids=str)
def test_every_folder_is_a_package(folder):
    assert (SOURCE / folder / "__init__.py").is_file(), f"src/bridle/{folder} lacks __init__.py"


def test_the_package_is_typed():
    assert (SOURCE / "py.typed").is_file()


@pytest.mark.parametrize("test", MIRRORS, ids=str)
def test_tests_mirror_the_sources(test):
    name = test.stem.removeprefix("test_")
    candidates = [
        test.with_name(f"{name}.py"),
        test.with_name(f"_{name}.py"),
        test.parent / name / "__init__.py",
    ]
    if name in {test.parent.name, "init"}:
        candidates.append(test.with_name("__init__.py"))
    assert any((SOURCE / path).is_file() for path in candidates), (
        f"tests/{test} has no source of its name; expected src/bridle/{candidates[0]}"
    )
