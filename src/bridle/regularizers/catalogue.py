"""The catalogue: every regularizer by name, in the order in which they act in a training step."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import bridle.regularizers
from bridle.core import Recipe, Regularizer, toml
from bridle.errors import RecipeError

FOLDERS = ("augment", "noise", "targets", "terms", "penalties", "updates", "averaging", "stopping")


@cache
def catalogue() -> Mapping[str, type[Regularizer]]:
    """Every regularizer class by the name of its file, in the order of a training step."""
    found: dict[str, type[Regularizer]] = {}
    for folder in FOLDERS:
        package = importlib.import_module(f"{bridle.regularizers.__name__}.{folder}")
        for name in package.__all__:
            cls: type[Regularizer] = getattr(package, name)
            found[cls.name()] = cls
    return MappingProxyType(found)


def folder_of(cls: type[Regularizer]) -> str:
    """The folder of the catalogue that holds a class."""
    return cls.__module__.split(".")[-2]


def modules() -> list[str]:
    """The names of all public modules of the catalogue's folders, found on disk; for the structure test."""
    root = Path(bridle.regularizers.__path__[0])
    return [
        f"{folder}.{module.name}"
        for folder in FOLDERS
        for module in pkgutil.iter_modules([str(root / folder)])
        if not module.name.startswith("_")
    ]


def load_recipe(path: str | Path) -> Recipe:
    """A recipe (or, with free dials, a space) from a TOML file.

    Raises:
        RecipeError: If the file is missing or not a recipe.
        DialError: If a number is out of bounds.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe {str(path)!r} cannot be read: {error}.") from None
    return parse_recipe(text, where=str(path))


def parse_recipe(text: str, where: str = "recipe") -> Recipe:
    """A recipe from TOML text; errors name ``where``."""
    return toml.loads(text, catalogue(), where)
