"""What a regularizer is, in words and numbers derived from its class: kind, effect, dials, other settings."""

import dataclasses
import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bridle.core import Regularizer, dials
from bridle.core.scope import NAMED
from bridle.errors import RecipeError
from bridle.regularizers.catalogue import catalogue


@dataclass(frozen=True)
class Setting:
    """One field of a regularizer.

    Args:
        name: The field, which is the key in a recipe.
        is_dial: Whether a search can turn it.
        allowed: The bounds of a dial, or the words or kind of value that are allowed.
        default: The default as text, or ``None`` where a value must be given.
        search: What a search covers by default, as text; empty where nothing is.
        meaning: The argument's line of the docstring.
    """

    name: str
    is_dial: bool
    allowed: str
    default: str | None
    search: str
    meaning: str


@dataclass(frozen=True)
class Description:
    """One regularizer of the catalogue.

    Args:
        name: The name in recipes.
        title: The class, as Python code has it.
        kind: The kind, in words: ``"penalty"``, ``"target rule"`` ...
        effect: The first line of the docstring.
        settings: Its fields, dials first.
        text: The rest of the docstring without the arguments.
    """

    name: str
    title: str
    kind: str
    effect: str
    settings: tuple[Setting, ...]
    text: str


def describe_all() -> tuple[Description, ...]:
    """The whole catalogue, in the order of a training step."""
    return tuple(describe(cls) for cls in catalogue().values())


def describe_one(name: str) -> Description:
    """One regularizer by its name in recipes.

    Raises:
        RecipeError: If there is none of that name.
    """
    if name not in catalogue():
        near = get_close_matches(name, catalogue(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"There is no regularizer called {name!r}.{hint} `bridle list` shows all.")
    return describe(catalogue()[name])


def describe(cls: type[Regularizer]) -> Description:
    """A description of one class of the catalogue."""
    effect, _, rest = inspect.cleandoc(cls.__doc__ or "").partition("\n")
    body, arguments = _split(rest)
    bounds = dials(cls)
    hints = get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.name in cls.__annotations__]
    settings = tuple(
        Setting(
            name=field.name,
            is_dial=field.name in bounds,
            allowed=str(bounds[field.name]) if field.name in bounds else _allowed(field.name, hints[field.name]),
            default=_default(field),
            search=_search(bounds.get(field.name)),
            meaning=arguments.get(field.name, ""),
        )
        for field in sorted(fields, key=lambda field: field.name not in bounds)
    )
    return Description(cls.name(), cls.__name__, _kind(cls), effect.strip(), settings, body)


def _kind(cls: type[Regularizer]) -> str:
    """The kind's name in words: the class next to :class:`Regularizer` among the ancestors."""
    line = cls.__mro__
    name = line[line.index(Regularizer) - 1].__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _default(field: "dataclasses.Field[Any]") -> str | None:
    if field.default_factory is not dataclasses.MISSING:
        return str(field.default_factory())
    if field.default is dataclasses.MISSING:
        return None
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def _search(bounds: Any) -> str:
    if bounds is None or bounds.search is None:
        return ""
    low, high = bounds.search
    return f"{low:g} to {high:g}{', logarithmic' if bounds.log else ''}"


def _allowed(name: str, hint: Any) -> str:
    if name == "scope":
        return f"{', '.join(NAMED)}, or a mapping with modules and names"
    words = [str(word) for part in (hint, *get_args(hint)) if get_origin(part) is Literal for word in get_args(part)]
    if words:
        return ", ".join(words)
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def _split(text: str) -> tuple[str, dict[str, str]]:
    """The text of a Google-style docstring without its arguments, and the arguments' meanings."""
    arguments: dict[str, list[str]] = {}
    body: list[str] = []
    inside, current = False, ""
    for line in text.splitlines():
        inside = line.strip() == "Args:" or (inside and (not line.strip() or line.startswith(" ")))
        started = re.match(r" {4}(\w+): (.*)", line)
        if not inside:
            body.append(line)
        elif started:
            current = started[1]
            arguments[current] = [started[2]]
        elif current and line.strip():
            arguments[current].append(line.strip())
    return _paragraphs(body), {name: " ".join(lines) for name, lines in arguments.items()}


def _paragraphs(lines: Iterable[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
