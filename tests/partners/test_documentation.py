"""docs/partners.md shows documents that hold."""

import json
import re
from pathlib import Path

import pytest
from django.core.management.base import BaseCommand

from histovet.partners.anomalies import Anomaly
from histovet.partners.management.commands.partner import Command
from histovet.partners.problems import Problem
from histovet.sharing import codes
from histovet.sharing.codes import Kind
from tests.partners.shapes import assert_ancestors_shape, assert_declared

TEXT = (Path(__file__).parents[2] / "docs" / "partners.md").read_text()
BLOCKS = [
    json.loads(text) for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
]


@pytest.fixture
def openapi(client, db):
    return client.get("/api/v1/openapi.json").json()


def test_the_success_document(openapi):
    report = BLOCKS[0]
    assert_ancestors_shape(report)
    assert_declared(openapi, openapi["components"]["schemas"]["Report"], report)


def test_the_error_document(openapi):
    error = BLOCKS[1]
    assert_declared(openapi, openapi["components"]["schemas"]["ProblemDocument"], error)
    assert error["detail"] == Problem.INVALID_REQUEST.detail


def test_the_usage_document(openapi):
    usage = BLOCKS[2]
    assert_declared(openapi, openapi["components"]["schemas"]["Usage"], usage)


def test_every_anomaly_is_listed():
    for anomaly in Anomaly:
        assert f"| `{anomaly.value.replace(':', '_')}` |" in TEXT


def test_the_codes_shown_are_codes():
    shown = re.findall(r'"code": "([^"]*)"', TEXT.split("## The report")[0])
    assert len(shown) == 2
    for code in shown:
        assert codes.decode(code, Kind.LINK) == bytes(range(16))


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_is_listed(problem):
    name = problem.type.removeprefix("/api/problems/")
    assert re.search(rf"^\| {problem.status} \|.*`{name}`", TEXT, re.MULTILINE)


def test_every_option_of_the_command_is_listed():
    parser = Command().create_parser("manage.py", "partner")
    options = {
        option
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    common = BaseCommand().create_parser("manage.py", "x")._option_string_actions
    for option in options - set(common):
        assert f"`{option}" in TEXT, option
