"""The OpenAPI document → what the page of the API shows of it. Pure."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_KINDS = {
    "string": gettext_lazy("texte"),
    "integer": gettext_lazy("entier"),
    "number": gettext_lazy("nombre"),
    "boolean": gettext_lazy("oui ou non"),
    "object": gettext_lazy("objet"),
}


@dataclass(frozen=True, slots=True)
class Example:
    summary: str
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """`demand` and `answer` are names of types, empty where nothing is sent."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    demand: str
    demands: tuple[Example, ...]
    answer: str
    answers: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Error:
    status: int
    type: str
    title: str
    detail: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """`of` is the name of a type that the page shows, empty for the plain ones."""

    name: str
    kind: str
    of: str
    required: bool
    description: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Type:
    name: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    description: str
    example: str


@dataclass(frozen=True, slots=True)
class Reference:
    calls: tuple[Call, ...]
    errors: tuple[Error, ...]
    headers: tuple[Header, ...]
    types: tuple[Type, ...]


def reference(document: Mapping[str, Any], prefix: str) -> Reference:
    """Return the calls whose path begins with `prefix`, and what they are made of."""
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        if path.startswith(prefix)
        for method, operation in methods.items()
    ]
    calls = [_call(*one) for one in operations]
    # One answer of each type: two reports make half of what a page may weigh.
    last = {call.answer: call for call in calls}
    return Reference(
        calls=tuple(
            call if last[call.answer] is call else replace(call, answers=())
            for call in calls
        ),
        errors=tuple(_errors(operations)),
        headers=tuple(_headers(operations)),
        types=tuple(
            Type(name, schema.get("description", ""), tuple(_fields(schema)))
            for name, schema in sorted(document["components"]["schemas"].items())
            if schema.get("properties")
        ),
    )


def _call(path: str, method: str, operation: Mapping[str, Any]) -> Call:
    demand, demands = _content(operation.get("requestBody"))
    answer, answers = _content(operation["responses"]["200"])
    return Call(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        demand=demand,
        demands=demands,
        answer=answer,
        answers=answers,
    )


def _content(body: Mapping[str, Any] | None) -> tuple[str, tuple[Example, ...]]:
    if body is None:
        return "", ()
    content = body["content"]["application/json"]
    examples = tuple(
        Example(one["summary"], _as_text(one["value"]))
        for one in content["examples"].values()
    )
    return _named(content["schema"]), examples


def _errors(
    operations: list[tuple[str, str, Mapping[str, Any]]],
) -> Iterator[Error]:
    calls: dict[str, list[str]] = {}
    problems: dict[str, Mapping[str, Any]] = {}
    for _path, _method, operation in operations:
        for response in operation["responses"].values():
            content = response["content"].get("application/problem+json", {})
            for example in content.get("examples", {}).values():
                problem = example["value"]
                problems[problem["type"]] = problem
                calls.setdefault(problem["type"], []).append(operation["operationId"])
    for kind, problem in sorted(problems.items(), key=lambda one: one[1]["status"]):
        yield Error(
            problem["status"],
            kind,
            problem["title"],
            problem["detail"],
            () if len(calls[kind]) == len(operations) else tuple(calls[kind]),
        )


def _headers(
    operations: list[tuple[str, str, Mapping[str, Any]]],
) -> Iterator[Header]:
    seen = {
        name: header
        for _path, _method, operation in operations
        for response in operation["responses"].values()
        for name, header in response.get("headers", {}).items()
    }
    for name, header in sorted(seen.items()):
        yield Header(name, header["description"], header.get("example", ""))


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, one in schema["properties"].items():
        kind, of = _kind(one)
        yield Field(
            name,
            kind,
            of,
            name in required,
            one.get("description", ""),
            tuple(str(value) for value in one.get("enum", ())),
        )


def _kind(schema: Mapping[str, Any]) -> tuple[str, str]:
    if of := _named(schema):
        return "", of
    if schema.get("type") == "array":
        kind, of = _kind(schema.get("items", {}))
        return (_("liste"), of) if of else (f"{_('liste')} ({kind})", "")
    if schema.get("format") == "date":
        return _("date AAAA-MM-JJ"), ""
    if schema.get("format") == "date-time":
        return _("instant ISO 8601"), ""
    kind = schema.get("type") or ("string" if "enum" in schema else "object")
    return str(_KINDS.get(kind, kind)), ""


def _named(schema: Mapping[str, Any]) -> str:
    found: str = schema.get("$ref", "").rpartition("/")[2]
    return found


def _as_text(value: object) -> str:
    """Return JSON as markup for a text: quotes, of which it is full, stay one byte."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    return SafeString(html.escape(text, quote=False))  # nosec B703
