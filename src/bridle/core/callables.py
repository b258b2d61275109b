"""Callables by their names, as a recipe file holds them."""

import os
import pkgutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from bridle.errors import RecipeError


def name_of(where: str, call: Any) -> str | Callable[..., Any]:
    """``"package.module:name"`` where a callable is found under it, else the callable itself; errors name ``where``.

    Raises:
        RecipeError: If it is no callable, or a text of another form.
    """
    if isinstance(call, str):
        module, _, name = call.partition(":")
        if not (module and name):
            raise RecipeError(f"{where} must have the form package.module:name; got {call!r}.")
        return call
    if not callable(call):
        raise RecipeError(
            f"{where} must be a callable, or its name in the form package.module:name; got {type(call).__name__}."
        )
    home, title = getattr(call, "__module__", None), getattr(call, "__qualname__", None)
    # Another process would run the script anew to find what is of __main__.
    if home and title and home != "__main__":
        spec = f"{home}:{title}"
        with suppress(ImportError, AttributeError, ValueError):
            if pkgutil.resolve_name(spec) is call:
                return spec
    own: Callable[..., Any] = call
    return own


def find(where: str, call: str | Callable[..., Any]) -> Callable[..., Any]:
    """What a name names, imported with the working directory in view, as ``python -m`` has it.

    Raises:
        RecipeError: If it cannot be imported, or is no callable.
    """
    if not isinstance(call, str):
        return call
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = pkgutil.resolve_name(call)
    except Exception as error:  # a module of the user's may raise anything
        raise RecipeError(
            f"{where} {call!r} cannot be imported: {type(error).__name__}: {error}. Is the module installed, or "
            "in the working directory?"
        ) from error
    if not callable(found):
        raise RecipeError(f"{where} {call!r} must name something that can be called; got {type(found).__name__}.")
    return found  # type: ignore[no-any-return]


def check_settings(where: str, settings: Any) -> dict[str, Any]:
    """The settings as they are kept: lists are tuples.

    Raises:
        RecipeError: If a name is no text, or a value is nothing that a recipe file can hold.
    """
    if not isinstance(settings, Mapping) or not all(isinstance(name, str) for name in settings):
        raise RecipeError(f"{where} must be a mapping from names to values; got {settings!r}.")
    return {name: _checked(f"{where}[{name!r}]", value) for name, value in settings.items()}


def _checked(where: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_checked(where, item) for item in value)
    if isinstance(value, Mapping):
        return {str(name): _checked(where, item) for name, item in value.items()}
    if isinstance(value, bool | int | float | str):
        return value
    raise RecipeError(
        f"{where} must be a number, a text, true or false, or a list or mapping of these, as a recipe file holds them; "
        f'got {type(value).__name__}. Build what needs more in a module of yours and name it: call = "module:name".'
    )
