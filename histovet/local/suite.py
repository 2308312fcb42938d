"""The checks, and the tests, proofs and measurements on databases of their own."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from histovet.local.chromium import ensure_chromium
from histovet.local.databases import own_database
from histovet.local.processes import Children
from histovet.local.signing import made_signing
from histovet.local.state import State
from histovet.local.temporary import temporary_folder
from histovet.local.workplace import Workplace, made_keys, workplace_with

# mypy's plugin and the tests of rules read Django's settings, which ask for a database
# that nobody opens.
_NO_DATABASE = "postgresql://localhost/none"

_CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "."),
    # Programs are started without a shell, which B603 reports all the same.
    (
        *("bandit", "--quiet", "--configfile", "pyproject.toml"),
        *("--skip", "B404,B603", "--recursive", "histovet", "pseudonymizer"),
    ),
)


def run_lint(state: State, family: Children) -> int:
    """Return 0 if style, types and security are in order, else a first status."""
    with _place_without_database(state, family) as place:
        statuses = [
            family.run([sys.executable, "-m", *check], place.environment)
            for check in _CHECKS
        ]
    return next((status for status in statuses if status != 0), 0)


def run_mutants(state: State, family: Children, only: str) -> int:
    """Return the status of the mutants of the rules, or of those of one module."""
    state.proofs.mkdir(exist_ok=True)
    with _place_without_database(state, family) as place:
        command = [sys.executable, "-m", "tests.mutants", "--only", only]
        return family.run(command, place.environment)


@contextmanager
def _place_without_database(state: State, family: Children) -> Iterator[Workplace]:
    with temporary_folder(state) as temporary:
        workplace = workplace_with(state, family, temporary, _NO_DATABASE)
        yield workplace.with_variables(**made_keys(workplace, state.test_keys))


# Each process on a database of its own. More of them than cores: much of its time a test
# waits for a browser, a server or the disk. A folder's tests stay together, with what they
# share, until another process has nothing left. ARGS="-n 0" is one process.
_PROCESSES_MAX = 4


def _in_parallel() -> tuple[str, ...]:
    processes = min(2 * (os.cpu_count() or 1), _PROCESSES_MAX)
    return (f"--numprocesses={processes}", "--dist=worksteal")


def run_tests(workplace: Workplace, arguments: Sequence[str]) -> int:
    """Return pytest's status."""
    ensure_chromium(workplace.family, workplace.environment)
    with _own_place(workplace) as place:
        return _pytest(place, [*_in_parallel(), *arguments])


def run_proofs(workplace: Workplace, only: Path | None) -> int:
    """Run the tests marked as proofs, or those of a file; return pytest's status."""
    ensure_chromium(workplace.family, workplace.environment)
    workplace.state.proofs.mkdir(exist_ok=True)
    chosen = [str(only)] if only else []
    with _own_place(workplace) as place:
        # Their figures are to be read while they run.
        return _pytest(place, ["-m", "proof", "--capture=no", *chosen])


# The command → what measures.
MEASUREMENTS = {
    "bench": "tests.bench",
    "bench-ingest": "tests.bench.ingest",
    "bench-growth": "tests.bench.growth",
}


def run_bench(workplace: Workplace, module: str, arguments: Sequence[str]) -> int:
    """Return the status of one of the measurements."""
    with _own_place(workplace) as place:
        command = [sys.executable, "-m", module, *arguments]
        return place.family.run(command, place.environment)


@contextmanager
def _own_place(workplace: Workplace) -> Iterator[Workplace]:
    # Key rings of their own too: a test may rotate them.
    keys = made_keys(workplace, workplace.state.test_keys)
    keys |= made_signing(workplace, workplace.state.test_signing)
    with own_database(workplace.database_url) as url:
        yield workplace.with_variables(DATABASE_URL=url, **keys)


def _pytest(place: Workplace, arguments: Sequence[str]) -> int:
    command = [
        *(sys.executable, "-m", "pytest"),
        # Why a test was skipped.
        "-rs",
        *("-o", f"cache_dir={place.state.cache / 'pytest'}"),
        *("--output", str(place.state.test_results)),
        *("-o", "tmp_path_retention_policy=failed"),
        *arguments,
    ]
    return place.family.run(command, place.environment)
