"""Hostile input at every door, a little of it: make proofs ONLY=fuzz tries a million."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import targets
from tests.fuzz.bombs import PLANTED
from tests.fuzz.lines import contents, lines

MUTATED = 600
# The interpreter's own growth between two readings of one file is under 8 MB.
GROWTH_MAX_MB = 40


# A row that is as it should be is no input of this one: it has no MAC of its own.
NEVER_ACCEPTED = {"release_row"}


@pytest.mark.parametrize("name", sorted(targets.TARGETS.keys() - NEVER_ACCEPTED))
def test_the_first_input_of_each_target_is_accepted(name):
    """What is refused at once tries nothing of what stands behind."""
    assert targets.outcome(name, targets.seeds(name)[0]) == targets.ACCEPTED


@pytest.mark.parametrize("name", targets.TARGETS)
def test_hostile_input_is_refused_by_our_own_errors(name):
    rng = random.Random(name)
    starts = targets.seeds(name)
    outcomes = {
        targets.outcome(name, targets.mutated(starts, rng)) for _ in range(MUTATED)
    }
    assert outcomes - {targets.ACCEPTED}


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=5_000)
@given(lines())
def test_every_line_is_refused_or_opens_to_itself(line):
    targets.one_line(line)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=5_000)
@given(contents())
def test_every_content_is_refused_or_opens(packed):
    targets.packed(packed)


def test_each_planted_defect_is_one():
    with pytest.raises(KeyError):
        targets.outcome("planted_error", b"bug")
    for name in targets.PLANTED:
        assert targets.outcome(name, b"seed") == targets.ACCEPTED


def test_every_frame_that_says_what_is_not_so_is_refused():
    assert {targets.frame(one) for one in targets.frames()} == {"refused"}


def test_a_small_file_that_holds_much_costs_no_memory():
    grown = grown_by_bombs(64)
    assert grown.pop(PLANTED) >= 60
    assert len(grown) == 7
    assert max(grown.values()) < GROWTH_MAX_MB, grown


def grown_by_bombs(megabytes: int) -> dict[str, float]:
    """Return by how many MB a process grew while it read each bomb of that size."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.bombs", str(megabytes)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        timeout=600,
    )
    return json.loads(told.stdout)
