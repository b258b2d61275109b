"""Scope: which weights a regularizer touches, as plain data, resolved by module type and shape first, names second."""

from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, TypeAlias

from torch import nn

from bridle.errors import ScopeError

Scope: TypeAlias = str | Mapping[str, Any]
"""A named scope (:data:`NAMED`), or ``{"modules": ["Linear"], "names": "head.*"}`` with either key."""

NAMED = ("matrices", "biases", "norms", "embeddings", "first_layer", "last_layer", "all")

LISTED = 16
"""How many of a model's weights an error names."""

_EMBEDDING = (nn.Embedding, nn.EmbeddingBag)
_NORM = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.modules.batchnorm._NormBase)


def check_scope(name: str, scope: Any) -> Scope:
    """``scope`` as it is kept: a name, or a new mapping whose lists are tuples.

    Raises:
        ScopeError: If it is no named scope and no mapping of the known keys to texts.
    """
    if isinstance(scope, str):
        if scope not in NAMED:
            near = get_close_matches(scope, NAMED, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ScopeError(f"{name} must be one of {', '.join(NAMED)}, or a mapping; got {scope!r}.{hint}")
        return scope
    if not isinstance(scope, Mapping) or not scope or set(scope) - {"modules", "names"}:
        raise ScopeError(
            f"{name} must be a name or a mapping with 'modules' (class names) and/or 'names' (patterns); got {scope!r}."
        )
    kept = {key: value if isinstance(value, str) else tuple(value) for key, value in scope.items() if _is_texts(value)}
    if len(kept) < len(scope):
        raise ScopeError(f"{name} must map each key to a text or a list of texts; got {scope!r}.")
    return kept


def _is_texts(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)


def kind_of(module: nn.Module, name: str, weight: nn.Parameter) -> str:
    """What a parameter is: ``"matrices"``, ``"embeddings"``, ``"norms"`` or ``"biases"``.

    Decided by the type of the module that holds it, then by shape: a tensor with two or more dimensions counts as a
    matrix unless a norm holds it, a vector as a bias where its name says so and as a norm's scale otherwise.
    """
    if isinstance(module, _EMBEDDING):
        return "embeddings"
    if "bias" in name:
        return "biases"
    return "norms" if isinstance(module, _NORM) or weight.ndim < 2 else "matrices"


def parameters(model: nn.Module) -> dict[str, tuple[nn.Module, str, nn.Parameter]]:
    """Each trainable parameter once, under its first name, with the module that holds it and its name there."""
    found: dict[str, tuple[nn.Module, str, nn.Parameter]] = {}
    seen: set[int] = set()
    for prefix, module in model.named_modules():
        for name, weight in module.named_parameters(recurse=False):
            if weight.requires_grad and id(weight) not in seen:
                seen.add(id(weight))
                found[f"{prefix}.{name}" if prefix else name] = (module, name, weight)
    return found


def resolve(model: nn.Module, scope: Scope, *, who: str = "scope") -> list[str]:
    """The names of the parameters that ``scope`` covers, in the model's order.

    Args:
        model: The model.
        scope: The scope.
        who: The regularizer, for the error.

    Raises:
        ScopeError: If it matches nothing.
    """
    everything = parameters(model)
    kinds = {full: kind_of(module, name, weight) for full, (module, name, weight) in everything.items()}
    matrices = [full for full, kind in kinds.items() if kind == "matrices"]
    if scope == "all":
        found = list(everything)
    elif scope == "first_layer":
        found = matrices[:1]
    elif scope == "last_layer":
        found = matrices[-1:]
    elif isinstance(scope, str):
        found = [full for full, kind in kinds.items() if kind == scope]
    else:
        found = [full for full in everything if _matches(scope, full, everything[full][0], kinds[full])]
    if not found:
        listing = inventory(kinds) or "no trainable parameter"
        raise ScopeError(f"{who} with scope {scope!r} matches no weight. The model has: {listing}.{_whole(model)}")
    return found


def inventory(kinds: Mapping[str, str]) -> str:
    """The weights of a model with their kinds, in an error: the first ones of many."""
    first = ", ".join(f"{name} ({kind})" for name, kind in islice(kinds.items(), LISTED))
    return f"{first} and {len(kinds) - LISTED} more" if len(kinds) > LISTED else first


def _whole(model: nn.Module) -> str:
    """A sentence on each parameter that holds whole numbers, which some take for weights."""
    found = {name: weight.dtype for name, weight in model.named_parameters()}
    whole = {name: dtype for name, dtype in found.items() if not (dtype.is_floating_point or dtype.is_complex)}
    return "".join(f" {name} is {dtype} and cannot be trained." for name, dtype in whole.items())


def _matches(scope: Mapping[str, Any], full: str, module: nn.Module, kind: str) -> bool:
    modules, names = _listed(scope.get("modules")), _listed(scope.get("names"))
    if modules and type(module).__name__ not in modules:
        return False
    if names:
        return any(fnmatchcase(full, pattern) for pattern in names)
    return kind == "matrices"


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
