"""Objects that a user names as ``package.module:name``."""

import importlib
import os
import sys
from difflib import get_close_matches
from typing import Any

from bridle.errors import ModelError


def load_named(spec: str, option: str) -> Any:
    """The callable that ``"package.module:name"`` names, imported as ``python -m`` would: the working directory counts.

    Args:
        spec: The text.
        option: Where the user wrote it, for the errors.

    Raises:
        ModelError: If the text has no such form, the module cannot be imported, or it has no such callable.
    """
    module_name, colon, name = spec.partition(":")
    if not (colon and module_name and name):
        raise ModelError(f"{option} must have the form package.module:name; got {spec!r}.")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise ModelError(
                f"{option} {spec!r}: there is no module {missing!r}; the search began in {os.getcwd()!r}."
            ) from None
        raise ModelError(f"{option} {spec!r}: importing {module_name!r} failed: {told(error)}") from error
    if not hasattr(module, name):
        near = get_close_matches(name, vars(module), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ModelError(f"{option} {spec!r}: the module {module_name!r} has no {name!r}.{hint}")
    found = getattr(module, name)
    if not callable(found):
        raise ModelError(f"{option} {spec!r} must name something that can be called; got {type(found).__name__}.")
    return found


def told(error: BaseException) -> str:
    """An error in a line: its type and its message."""
    return f"{type(error).__name__}: {error}"
