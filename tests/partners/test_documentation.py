"""docs/partners.md shows documents that hold."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from django.core.management.base import BaseCommand

from histovet.partners.anomalies import Anomaly
from histovet.partners.listing_check import Reason
from histovet.partners.management.commands.partner import Command
from histovet.partners.problems import Problem
from histovet.sharing import codes
from histovet.sharing.codes import Kind
from tests.partners.shapes import assert_ancestors_shape, assert_declared

TEXT = (Path(__file__).parents[2] / "docs" / "partners.md").read_text()
BLOCKS = [
    json.loads(text) for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
]


def block(member):
    """The JSON shown that has this member."""
    (found,) = (one for one in BLOCKS if member in one)
    return found


@pytest.fixture
def openapi(client, db):
    return client.get("/api/v1/openapi.json").json()


def test_the_success_document(openapi):
    report = block("vehicule")
    assert_ancestors_shape(report)
    assert_declared(openapi, openapi["components"]["schemas"]["Report"], report)


def test_the_error_document(openapi):
    error = block("statusCode")
    assert_declared(openapi, openapi["components"]["schemas"]["ProblemDocument"], error)
    assert error["detail"] == Problem.INVALID_REQUEST.detail


def test_the_usage_document(openapi):
    usage = block("days")
    assert_declared(openapi, openapi["components"]["schemas"]["Usage"], usage)


@pytest.mark.parametrize(
    ("member", "schema"), [("annonce", "ListingChecked"), ("live", "LinkIs")]
)
def test_the_documents_about_a_code(openapi, member, schema):
    assert_declared(openapi, openapi["components"]["schemas"][schema], block(member))


def test_every_reason_of_a_comparison_is_listed():
    for reason in get_args(Reason):
        assert f"`{reason}`" in TEXT, reason


def test_every_anomaly_is_listed():
    for anomaly in Anomaly:
        assert f"| `{anomaly.value.replace(':', '_')}` |" in TEXT


def test_the_codes_shown_are_codes():
    shown = re.findall(r'"code": "([^"]*)"', TEXT.split("## The report")[0])
    assert len(shown) == 6
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
