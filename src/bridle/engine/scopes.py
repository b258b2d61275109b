"""Which modules a scope names, for what acts on activations: noise and loss terms."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import nn


def named(model: nn.Module, scope: Mapping[str, Any], places: Sequence[str]) -> list[str]:
    """The names of the modules that a scope covers, in the model's order.

    Patterns that match a place name places only; with class names, or where they match no place, they name modules.

    Args:
        model: The model.
        scope: A mapping with ``"modules"`` (class names), ``"names"`` (patterns), or both.
        places: The names of the model's places.
    """
    patterns, classes = _listed(scope.get("names", "*")), scope.get("modules")
    at_places = [name for name in places if _any(patterns, name)]
    if classes is None and at_places:
        return at_places
    allowed = None if classes is None else _listed(classes)
    return [
        name
        for name, module in model.named_modules()
        if name and _any(patterns, name) and (allowed is None or type(module).__name__ in allowed)
    ]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _any(patterns: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
