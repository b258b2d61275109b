"""A recipe's TOML text: what is in it, in a few words, and its colours on the page."""

import re
import tomllib
from fnmatch import fnmatchcase
from typing import Any, TypeGuard

from markupsafe import Markup, escape

from bridle.report.wording import NOTHING, number, regularizer_name

MAIN_DIALS = ("strength", "patience", "fraction", "degrees", "area", "padding", "saturation", "decay", "rate")
"""What a regularizer is summed up by; ``rate`` comes last, as most augmentations have one beside their own dial."""

TOKEN = re.compile(
    r"(?P<comment>#[^\n]*)"
    r"|(?P<string>\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*')"
    r"|(?P<section>^[ \t]*\[\[?[^\]\n]*\]\]?)"
    r"|(?P<key>^[ \t]*[\w.\-]+(?=[ \t]*=))"
    r"|(?P<number>(?<![\w.])[+-]?(?:\d[\w.+\-]*|inf\b|nan\b)|\b(?:true|false)\b)",
    re.MULTILINE | re.DOTALL,
)


def regularizers(recipe: str) -> list[str]:
    """The regularizers of a recipe in a few words each: ``["L2 3e-4", "dropout 0.2", "EMA"]``.

    A recipe that cannot be read gives an empty list: a report must not fail over its own summary.
    """
    try:
        entries = tomllib.loads(recipe).get("regularizers", [])
    except tomllib.TOMLDecodeError:
        return []
    return [_described(entry) for entry in entries if isinstance(entry, dict) and "name" in entry]


def strength_of(recipe: str, weight: str) -> str:
    """The strength of a recipe's L2 on the matrix of that full name, in a few words; a dash where none is known."""
    try:
        entries = tomllib.loads(recipe).get("regularizers", [])
    except tomllib.TOMLDecodeError:
        return NOTHING
    found = next((entry for entry in entries if isinstance(entry, dict) and entry.get("name") == "l2"), {})
    strength = found.get("strength") if found.get("scope", "matrices") in ("matrices", "all") else None
    if isinstance(strength, dict) and "from" not in strength:
        strength = next((dial for layer, dial in strength.items() if fnmatchcase(f"{weight}.", f"{layer}.*")), None)
    return number(strength) if _is_number(strength) else NOTHING if strength is None else "scheduled"


def _described(entry: dict[str, Any]) -> str:
    name = regularizer_name(str(entry["name"]))
    dials = {key: dial for key, dial in entry.items() if _is_number(dial)}
    main = next((key for key in MAIN_DIALS if key in dials), None)
    if main is None and len(dials) == 1:
        main = next(iter(dials))
    return name if main is None else f"{name} {number(dials[main])}"


def _is_number(dial: Any) -> TypeGuard[float]:
    return isinstance(dial, int | float) and not isinstance(dial, bool)


def highlighted(recipe: str) -> Markup:
    """The recipe's text, escaped, with a ``<span>`` around every token that the style sheet colours."""
    parts: list[str] = []
    end = 0
    for match in TOKEN.finditer(recipe):
        parts.append(escape(recipe[end : match.start()]))
        parts.append(Markup('<span class="{}">{}</span>').format(f"toml-{match.lastgroup}", match.group()))
        end = match.end()
    return Markup("").join([*parts, escape(recipe[end:])])
