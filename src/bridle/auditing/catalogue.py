"""All checks there are, found in their folder."""

from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules

from bridle.auditing import checks
from bridle.auditing.checks._base import Check


def checks_seen_in(where: str) -> list[Check]:
    """One of each check that can be made there, by name.

    Args:
        where: ``"audit"``, ``"script"`` or ``"run"``.
    """
    found: list[Check] = []
    for module in sorted(iter_modules(checks.__path__), key=lambda module: module.name):
        if not module.name.startswith("_"):
            held = vars(import_module(f"{checks.__name__}.{module.name}")).values()
            kinds = [thing for thing in held if isinstance(thing, type) and issubclass(thing, Check)]
            found.extend(kind() for kind in kinds if not isabstract(kind) and where in kind.seen_in)
    return found
