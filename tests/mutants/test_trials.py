"""Mutants of a small module with tests that miss some of them, in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.mutants.targets import ROOT

RULES = """
import enum

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

LEAST = 3
WORDS = {"a": Colour.RED, "b": Colour.BLUE}
LATER = {word: colour for word, colour in WORDS.items()}

def enough(count, least=LEAST):
    return count >= least

def colour(word):
    while word not in LATER:
        word = word[1:]
    return LATER[word]

def never_tested(word):
    return word + "!"
"""
TESTS = """
import pytest
from rules import LATER, Colour, colour, enough

def test_enough():
    assert enough(4) and not enough(2)

@pytest.mark.parametrize("word", sorted(LATER))
def test_colour(word):
    assert colour("x" + word) in Colour

def test_red():
    assert colour("a") is Colour.RED
"""
PROGRAM = """
import json, sys
from pathlib import Path
from tests.mutants.targets import Target
from tests.mutants.trials import TestsFail, tried

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
target = Target("rules", "rules", ("test_rules.py",), folder)
try:
    print(json.dumps({one.mutant.name: one.outcome.value for one in tried(target)}))
except TestsFail as exc:
    sys.exit(str(exc))
"""


def run(folder, tests):
    (folder / "rules.py").write_text(RULES)
    (folder / "test_rules.py").write_text(tests)
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    done = run(tmp_path_factory.mktemp("rules"), TESTS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("mutant", "outcome"),
    [
        # Inside of a function
        ("enough: return count >= least  →  return count < least", "killed"),
        ("enough: return count >= least  →  return count > least", "survived"),
        ("enough: return count >= least  →  return None", "killed"),
        ("colour: return LATER[word]  →  return None", "killed"),
        # It never ends.
        ("colour: word = word[1:]  →  word = word[0:]", "killed"),
        ("never_tested: return word + '!'  →  return None", "survived"),
        # A table, and what is made of it
        ("WORDS: 'a': Colour.RED  →  'a': Colour.BLUE", "killed"),
        ("WORDS: 'b': Colour.BLUE  →  'b': Colour.RED", "survived"),
        # A default, which is computed where the function is made
        ("LEAST: LEAST = 3  →  LEAST = 4", "survived"),
        ("LEAST: LEAST = 3  →  LEAST = 2", "killed"),
    ],
)
def test_a_mutant_is_killed_where_a_test_fails_or_never_ends(outcomes, mutant, outcome):
    assert outcomes[mutant] == outcome


def test_tests_that_fail_already_are_named(tmp_path):
    done = run(tmp_path, TESTS + "\ndef test_wrong():\n    assert enough(1)\n")
    assert done.returncode == 1
    # pytest names it as seen from here, if it stands below.
    assert done.stderr.startswith("rules: ")
    assert done.stderr.rstrip().endswith("test_rules.py::test_wrong")
