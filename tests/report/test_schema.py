import json
from pathlib import Path

import pytest

from bridle.records import SCHEMA, Evidence, serial
from bridle.report.schema import field_texts, json_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"
KINDS = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "number": (int, float)}


def fits(value, schema, root):
    """Whether ``value`` is valid, for the few words of JSON schema that ours uses."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return any(fits(value, option, root) for option in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if schema.get("type") == "null":
        return value is None
    if "type" in schema and not isinstance(value, KINDS[schema["type"]]):
        return False
    if schema.get("type") == "array":
        return all(fits(item, schema["items"], root) for item in value)
    if "properties" in schema:
        known = schema["properties"]
        return set(schema["required"]) <= set(value) <= set(known) and all(
            fits(item, known[name], root) for name, item in value.items()
        )
    if schema.get("type") == "object":
        return all(fits(item, schema["additionalProperties"], root) for item in value.values())
    return True


@pytest.fixture(scope="module")
def schema():
    return json_schema()


@pytest.mark.parametrize("name", ["searched", "regressed", "single", "hostile", "bare"])
def test_what_is_written_fits_the_schema(schema, name, request):
    evidence = request.getfixturevalue(name)
    assert fits(json.loads(serial.dumps(evidence)), schema, schema)


def test_what_is_wrong_does_not_fit(schema, searched):
    plain = json.loads(serial.dumps(searched))
    assert not fits(plain | {"openings": "once"}, schema, schema)
    assert not fits(plain | {"task": "clustering"}, schema, schema)
    assert not fits(plain | {"surprise": 1}, schema, schema)
    assert not fits({key: value for key, value in plain.items() if key != "metric"}, schema, schema)


def test_the_committed_schema_is_up_to_date(schema):
    committed = json.loads((DOCS / "evidence.schema.json").read_text(encoding="utf-8"))
    assert committed == schema, "run: python -m bridle.report.schema > docs/evidence.schema.json"
    assert committed["properties"]["schema"]["const"] == SCHEMA


def test_the_page_names_every_field(schema):
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    records = {"Evidence": schema, **schema["$defs"]}
    for record, definition in records.items():
        for field in definition.get("properties", {}):
            assert f"`{field}`" in page, f"docs/evidence.md does not describe {record}.{field}"


def test_descriptions_come_from_the_records(schema):
    assert field_texts(Evidence)["openings"] == "How often the sealed test set was opened."
    assert schema["properties"]["openings"]["description"] == "How often the sealed test set was opened."
    described = [name for name, field in schema["properties"].items() if "description" in field]
    assert described == list(schema["properties"])
