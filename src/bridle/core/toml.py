"""Recipes to TOML and back. Every key is known or refused, with the nearest known name."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import tomli_w

from bridle.core.dials import Between, Choice, PerLayer, Schedule, between, choice, dials, schedule
from bridle.core.recipe import Recipe
from bridle.core.regularizer import Regularizer
from bridle.core.training import Training
from bridle.errors import BridleError, RecipeError


def dumps(recipe: Recipe) -> str:
    """A recipe as TOML text, every setting written out; :func:`loads` gives the same recipe back.

    Raises:
        RecipeError: If it holds a callable that has no name.
    """
    parts = ["[training]\n" + _rows(_table(recipe.training))]
    parts += ["[[regularizers]]\n" + _rows({"name": item.name(), **_table(item)}) for item in recipe.regularizers]
    return "\n".join(parts)


def _rows(table: Mapping[str, Any]) -> str:
    """One line per setting, tables in it written inline, as people write recipes."""
    return "".join(f"{key} = {_inline(value)}\n" for key, value in table.items())


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_word(key)} = {_inline(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_inline(item) for item in value)}]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")


def _word(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")


def _table(record: Any) -> dict[str, Any]:
    fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    own = type(record).__annotations__  # what all regularizers of a kind take is written where it is not the default
    general = {field.name: field.default for field in dataclasses.fields(record) if field.name not in own}
    written = {name: value for name, value in fields.items() if value is not None and general.get(name) != value}
    return {name: _plain(value) for name, value in written.items()}


def _plain(value: Any) -> Any:
    match value:
        case Between(low, high, log):
            return {"low": low, "high": high, "log": log}
        case Choice(values):
            return {"choice": list(values)}
        case Schedule(start, end, until, shape):
            return {"from": start, "to": end, "until": until, "shape": shape}
        case PerLayer(values):
            return {layer: _plain(item) for layer, item in values}
        case tuple():
            return list(value)
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case _ if callable(value):
            raise RecipeError(
                f"{value!r} has no name that a recipe file could hold. Put it into a module of its own and give the "
                'name, for example call = "my_views:view"; a class can be given with its settings.'
            )
        case _:
            return value


def loads(text: str, find: Mapping[str, type[Regularizer]], where: str = "recipe") -> Recipe:
    """A recipe from TOML text.

    Args:
        text: The TOML.
        find: The regularizer classes by name.
        where: The file's name, for errors.

    Raises:
        RecipeError: If it is not TOML, or a key or name is unknown, or a value cannot be read.
        DialError: If a number is out of bounds.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not valid TOML: {error}.") from None
    _known(table, ("training", "regularizers"), where)
    return Recipe(
        *_regularizers(table.get("regularizers", []), find, where), training=_training(table.get("training", {}), where)
    )


def _training(table: Any, where: str) -> Training:
    if not isinstance(table, Mapping):
        raise RecipeError(f"{where}: training must be a table, written [training]; got {table!r}.")
    _known(table, [field.name for field in dataclasses.fields(Training)], f"{where}: [training]")
    bounds = dials(Training)
    try:
        return Training(
            **{name: _value(value, f"training.{name}") if name in bounds else value for name, value in table.items()}
        )
    except BridleError as error:
        raise type(error)(f"{where}: {error}") from None


def _regularizers(tables: Any, find: Mapping[str, type[Regularizer]], where: str) -> Iterable[Regularizer]:
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise RecipeError(
            f"{where}: regularizers must be a list of tables, each written [[regularizers]]; got {tables!r}."
        )
    for number, table in enumerate(tables, 1):
        at = f"{where}: regularizer {number}"
        if "name" not in table:
            raise RecipeError(f'{at} has no name. Write for example name = "l2"; known are {", ".join(sorted(find))}.')
        name = table["name"]
        if not isinstance(name, str) or name not in find:
            raise RecipeError(f"{at} has the unknown name {name!r}.{_hint(str(name), find)} `bridle list` shows all.")
        yield _regularizer(find[name], {key: value for key, value in table.items() if key != "name"}, f"{at} ({name})")


def _regularizer(cls: type[Regularizer], table: Mapping[str, Any], where: str) -> Regularizer:
    fields = {field.name: field for field in dataclasses.fields(cls)}
    _known(table, fields, where)
    bounds = dials(cls)
    missing = [
        name
        for name, field in fields.items()
        if name not in table and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise RecipeError(f"{where} needs a value for {', '.join(missing)}.")
    try:
        return cls(
            **{
                name: _value(value, name, layers=cls.by_layer) if name in bounds else _frozen(value)
                for name, value in table.items()
            }
        )
    except BridleError as error:
        raise type(error)(f"{where}: {error}") from None


def _value(value: Any, name: str, *, layers: bool = False) -> Any:
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"choice"} and isinstance(value["choice"], list):
        return choice(*value["choice"])
    if {"low", "high"} <= set(value) <= {"low", "high", "log"}:
        return between(value["low"], value["high"], log=value.get("log"))
    if {"from", "to"} <= set(value) <= {"from", "to", "until", "shape"}:
        return schedule(value["from"], value["to"], until=value.get("until", 1.0), shape=value.get("shape", "linear"))
    if layers and value and not set(value) & {"choice", "low", "high", "from", "to"}:
        return {layer: _value(item, f"{name}[{layer!r}]") for layer, item in value.items()}
    forms = ["{ low, high, log }", "{ choice = [...] }", "{ from, to, until, shape }"]
    forms += ['{ "layer" = number, ... }'] if layers else []
    raise RecipeError(f"{name} must be a number, {', '.join(forms[:-1])} or {forms[-1]}; got {dict(value)!r}.")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _known(table: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    allowed = list(allowed)
    for key in table:
        if key not in allowed:
            raise RecipeError(
                f"{where} has the unknown key {key!r}.{_hint(key, allowed)} Allowed are {', '.join(allowed)}."
            )


def _hint(name: str, allowed: Iterable[str]) -> str:
    near = get_close_matches(name, list(allowed), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
