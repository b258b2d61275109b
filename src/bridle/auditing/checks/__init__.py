"""The checks, one file each."""

from importlib import import_module
from pkgutil import iter_modules

from bridle.auditing.checks._base import Check

__all__ = ["Check", "checks"]


def checks(where: str = "audit") -> tuple[Check, ...]:
    """Every check of this folder that can be seen ``where``, in the order of their names."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    found = [vars(import_module(f"{__name__}.{name}")) for name in names]
    kinds = [
        kind
        for held in found
        for kind in held.values()
        if isinstance(kind, type) and issubclass(kind, Check) and kind.__module__ == held["__name__"]
    ]
    return tuple(kind() for kind in kinds if where in kind.seen_in)
