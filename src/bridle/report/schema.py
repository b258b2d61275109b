"""The JSON schema of ``evidence.json``, derived from the records themselves: ``python -m bridle.report.schema``."""

import dataclasses
import inspect
import json
import re
import sys
import types
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from bridle.records import SCHEMA, Evidence

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER = {
    "description": "A number; null is NaN, and infinities are strings: JSON has neither.",
    "anyOf": [{"type": "number"}, {"type": "null"}, {"enum": ["inf", "-inf"]}],
}
PLAIN = {str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}}


def json_schema() -> dict[str, Any]:
    """The schema of :class:`~bridle.records.Evidence` as it is written to JSON."""
    definitions: dict[str, Any] = {"number": NUMBER}
    root = _record(Evidence, definitions)
    root["properties"]["schema"]["const"] = SCHEMA
    return {"$schema": DIALECT, "title": f"evidence.json, schema {SCHEMA}", **root, "$defs": definitions}


def _record(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    texts, hints, fields = field_texts(kind), get_type_hints(kind), dataclasses.fields(kind)
    properties = {
        field.name: _described(_schema(hints[field.name], definitions), texts, field.name) for field in fields
    }
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    summary = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    return {
        "type": "object",
        "description": summary,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _described(schema: dict[str, Any], texts: dict[str, str], name: str) -> dict[str, Any]:
    return {"description": texts[name], **schema} if name in texts else schema


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(option, definitions) for option in arguments]}
    if origin in (tuple, list):
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if kind is types.NoneType:
        return {"type": "null"}
    if kind is float:
        return {"$ref": "#/$defs/number"}
    if dataclasses.is_dataclass(kind):
        return _reference(kind, definitions)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return dict(PLAIN.get(kind, {}))


def _reference(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    name: str = kind.__name__
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _record(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def field_texts(kind: type) -> dict[str, str]:
    """What a record's docstring says of each field, by name."""
    _, _, arguments = (inspect.getdoc(kind) or "").partition("Args:\n")
    found = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", arguments, re.MULTILINE | re.DOTALL)
    return {name: " ".join(text.split()) for name, text in found}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
