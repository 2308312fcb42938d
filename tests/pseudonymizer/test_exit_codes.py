"""Each refusal has a number of its own, which the help tells."""

import ast
from pathlib import Path

import pytest

import pseudonymizer
from pseudonymizer import exit_codes
from pseudonymizer.__main__ import main
from pseudonymizer.errors import (
    ConfigError,
    DatabaseFailed,
    EnvelopeError,
    FeedRefused,
    KeyRingError,
    ReleaseRefused,
)


def _raised(name):
    """Return the codes with which the package makes errors of this class."""
    # `_fail` of ingest.py raises ReleaseRefused with the code that it is given.
    places = {name: 0} | ({"_fail": 2} if name == "ReleaseRefused" else {})
    calls = [
        node
        for path in Path(pseudonymizer.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in places
    ]
    codes = [call.args[places[ast.unparse(call.func)]] for call in calls]
    return {code.value for code in codes if isinstance(code, ast.Constant)}


def test_every_reason_that_is_given_has_a_number_and_no_other():
    assert _raised("FeedRefused") == set(exit_codes.FEED)
    assert _raised("ReleaseRefused") == set(exit_codes.RELEASE)


def test_no_number_stands_twice():
    refusals = [*exit_codes.FEED.values(), *exit_codes.RELEASE.values()]
    numbers = [one.number for one in refusals]
    assert len(set(numbers)) == len(numbers)
    assert not set(numbers) & {0, 1, 2, 3, 5, 6, 7, *range(100, 256)}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FeedRefused("file_digest", ""), 30),
        (FeedRefused("delta_replayed", ""), 39),
        (ReleaseRefused("counts", ""), 61),
        (ConfigError(), 3),
        (KeyRingError(), 3),
        (EnvelopeError(), 5),
        (DatabaseFailed(), 6),
    ],
)
def test_an_error_has_its_code(error, code):
    assert exit_codes.exit_code(error) == code


def test_the_help_of_ingest_tells_every_code(capsys):
    with pytest.raises(SystemExit):
        main(["ingest", "--help"])
    told = capsys.readouterr().out
    for code, one in {**exit_codes.FEED, **exit_codes.RELEASE}.items():
        assert f"  {one.number}  {code} " in told
