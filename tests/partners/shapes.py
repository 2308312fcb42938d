"""What an answer is held to: the ancestor's schema, and our own OpenAPI document."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

ANCESTOR = json.loads(Path(__file__).with_name("ancestor_schema.json").read_text())


def assert_ancestors_shape(document: dict[str, Any]) -> None:
    """Without our own object, the ancestor could have answered it."""
    theirs = {name: value for name, value in document.items() if name != "histovet"}
    Draft202012Validator(ANCESTOR).validate(theirs)
    assert not list(_nulls(theirs))


def ancestors_fields(schema: dict[str, Any] = ANCESTOR, path: str = "") -> set[str]:
    """Return the path of every field that the ancestor may send; lists have no
    number."""
    if schema["type"] == "array":
        return ancestors_fields(schema["items"], path)
    if schema["type"] != "object":
        return {path}
    fields = set()
    for name, inner in schema["properties"].items():
        fields |= ancestors_fields(inner, f"{path}/{name}")
    return fields


def fields_of(document: Any, path: str = "") -> set[str]:
    """Return the path of every value in a document; lists have no number."""
    if isinstance(document, dict):
        return {
            field
            for name, value in document.items()
            for field in fields_of(value, f"{path}/{name}")
        }
    if isinstance(document, list):
        return {field for value in document for field in fields_of(value, path)}
    return {path}


def at(document: Any, pointer: str) -> Any:
    """Return the value at a JSON Pointer. Raises KeyError or IndexError."""
    for name in pointer.split("/")[1:]:
        document = document[int(name) if isinstance(document, list) else name]
    return document


def assert_declared(openapi: dict[str, Any], schema: dict[str, Any], value: Any):
    """The value is what the OpenAPI document says of it."""
    whole = {**schema, "components": openapi["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


def _nulls(value: Any):
    if value is None:
        yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from _nulls(child)
