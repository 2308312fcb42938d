"""A million hostile inputs at the doors of the pseudonymizer: no crash, no hang, no
memory, only our own errors: make proofs ONLY=fuzz."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.bombs import PLANTED
from tests.fuzz.lines import contents, lines
from tests.fuzz.test_targets import GROWTH_MAX_MB, NEVER_ACCEPTED, grown_by_bombs
from tests.proofs import figures

pytestmark = pytest.mark.proof

# What a file or a line is read by has most to cover, and costs most.
RUNS = {"csv_file": 200_000, "line": 200_000, "gzip_file": 150_000}
RUNS_OF_OTHERS = 100_000
DRAWN = 2_500
AT_LEAST = 1_000_000

# Of one input; the slowest of millions took less than one second.
INPUT_SECONDS_MAX = 5
# Python, what is instrumented, and libFuzzer: 150 MB.
RSS_MAX_MB = 512
TARGET_SECONDS_MAX = 600
BOMB_MB = 512


@dataclass(frozen=True)
class Search:
    """What came of one target: `status` is 0, or says what was found (libFuzzer: 77 an
    error, 70 an input that takes too long, 71 memory)."""

    status: int
    runs: int
    seconds: float
    outcomes: dict[str, int]
    output: str


def search(name: str, folder: Path, runs: int, *, seconds: int, rng: int) -> Search:
    corpus, outcomes, words = folder / "corpus", folder / "outcomes", folder / "words"
    targets.write_corpus(name, corpus)
    targets.write_words(words)
    begun = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.guided", name, str(outcomes)),
            *(f"-runs={runs}", f"-timeout={seconds}", f"-rss_limit_mb={RSS_MAX_MB}"),
            *(f"-max_total_time={TARGET_SECONDS_MAX}", f"-seed={rng}"),
            *("-max_len=8192", f"-dict={words}", "-print_final_stats=1"),
            *(f"-artifact_prefix={folder}/found-", str(corpus)),
        ],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )

    runs_done = re.search(r"number_of_executed_units:\s+(\d+)", done.stdout)
    return Search(
        done.returncode,
        int(runs_done[1]) if runs_done else 0,
        time.monotonic() - begun,
        json.loads(outcomes.read_text()) if outcomes.exists() else {},
        done.stdout[-2_000:],
    )


@pytest.fixture
def kept() -> Iterator[Path]:
    """Yield a folder that outlives the proof when something was found: its input."""
    path = Path(os.environ["HISTOVET_STATE"]) / "proofs" / "fuzz" / f"{time.time_ns()}"
    path.mkdir(parents=True)
    yield path
    found = {one.parent.name for one in path.glob("*/found-*")}
    if found <= targets.PLANTED.keys():
        shutil.rmtree(path)


def drawn(strategy: st.SearchStrategy[Any], target: Callable[[Any], str], rng: int):
    """Return what became of each value that hypothesis drew."""
    outcomes: Counter[str] = Counter()

    @seed(rng)
    @settings(
        max_examples=DRAWN,
        database=None,
        deadline=INPUT_SECONDS_MAX * 1000,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def one(value):
        outcomes[target(value)] += 1

    begun = time.monotonic()
    one()
    return {
        "inputs": outcomes.total(),
        "seconds": round(time.monotonic() - begun, 1),
        "outcomes": dict(outcomes.most_common()),
    }


@pytest.mark.parametrize(
    ("name", "status"),
    [("planted_error", 77), ("planted_hang", 70), ("planted_memory", 71)],
)
def test_a_planted_defect_is_found(kept, name, status):
    found = search(name, kept / name, 2_000_000, seconds=2, rng=7)
    assert found.status == status, found.output
    assert list((kept / name).glob("found-*"))


def test_fuzz(kept):
    rng = random.SystemRandom().randrange(1, 2**31)
    with ThreadPoolExecutor(2) as pool:
        searches = {
            name: pool.submit(
                search,
                name,
                kept / name,
                RUNS.get(name, RUNS_OF_OTHERS),
                seconds=INPUT_SECONDS_MAX,
                rng=rng,
            )
            for name in targets.TARGETS
        }
    found = {name: future.result() for name, future in searches.items()}
    by_hypothesis = {
        "lines": drawn(lines(), targets.one_line, rng),
        "contents": drawn(contents(), targets.packed, rng),
    }
    grown = grown_by_bombs(BOMB_MB)
    total = sum(one.runs for one in found.values())
    total += sum(one["inputs"] for one in by_hypothesis.values())
    failed = {name: one for name, one in found.items() if one.status != 0}
    figures.write(
        "fuzz",
        {
            "inputs": total,
            "defects": {name: one.status for name, one in failed.items()},
            "seed": rng,
            "guided by coverage": {
                name: {
                    "inputs": one.runs,
                    "seconds": round(one.seconds, 1),
                    "outcomes at the last telling": one.outcomes,
                }
                for name, one in found.items()
            },
            "drawn by hypothesis": by_hypothesis,
            f"MB grown by bombs of {BOMB_MB} MB": grown,
        },
    )
    assert not failed, "\n".join(
        f"{name}: {kept / name}\n{one.output}" for name, one in failed.items()
    )
    assert total >= AT_LEAST
    accepted = {n for n, one in found.items() if one.outcomes.get(targets.ACCEPTED)}
    assert targets.TARGETS.keys() - accepted == NEVER_ACCEPTED
    assert grown.pop(PLANTED) > BOMB_MB / 2
    assert max(grown.values()) < GROWTH_MAX_MB, grown
