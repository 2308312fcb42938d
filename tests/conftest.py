"""What the tests need of the machine: a browser, the real extract."""

import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.utils import translation

from histovet.local.chromium import CHROMIUM, HOW_TO_HAVE_IT

# Playwright runs an event loop in the thread of the tests, which Django takes for
# asynchronous code and then refuses its database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


# On a machine with other work an input takes as long as it takes.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures",
        metavar="DIR",
        type=Path,
        help="keep a picture of every page and state that the checker looks at, at 320 "
        "and 1280 pixels, light and dark (tests/journeys)",
    )


def pytest_configure() -> None:
    # Unset, the tests that need it are skipped; misspelt, nobody would notice.
    named = os.environ.get("HISTOVET_REAL_EXTRACT", "").strip()
    if named and not Path(named).is_dir():
        raise pytest.UsageError(
            f"HISTOVET_REAL_EXTRACT names no folder: {named}; correct or unset it"
        )


@pytest.fixture(scope="session", autouse=True)
def only_tables_with_rows_are_emptied() -> Iterator[None]:
    """PostgreSQL makes new files for each table that it empties, and its indexes: 60 ms
    after every test that commits, when most tables held nothing."""
    # It wants settings, which a test of this file itself has none of.
    from django.db.backends.postgresql.operations import DatabaseOperations

    every_table = DatabaseOperations.sql_flush

    def sql_flush(
        self: DatabaseOperations, style: Any, tables: Sequence[str], **options: bool
    ) -> list[str]:
        held = " UNION ALL ".join(
            f"SELECT %s WHERE EXISTS (SELECT FROM {self.quote_name(table)})"
            for table in tables
        )
        with self.connection.cursor() as cursor:
            cursor.execute(held, tables)
            filled = [name for (name,) in cursor.fetchall()]
        # Those that refer to them are emptied alike, as they are among all tables.
        return every_table(self, style, filled, **{**options, "allow_cascade": True})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    # A request leaves its language to the thread, and so to the test after it.
    translation.deactivate()
    if item.get_closest_marker("browser") and not CHROMIUM.exists():
        reason = f"no browser; {HOW_TO_HAVE_IT}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # Somebody asked for a proof: that it could not be had is no success.
    if report.skipped and call.excinfo is not None and item.get_closest_marker("proof"):
        report.outcome = "failed"
        report.longrepr = str(call.excinfo.value)
    return report


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    # It keeps crash reports and caches there, whatever its profile.
    home = str(tmp_path_factory.mktemp("home"))
    return {
        **browser_type_launch_args,
        "env": {
            **os.environ,
            **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), home),
        },
        "executable_path": str(CHROMIUM),
        "args": [
            *browser_type_launch_args.get("args", []),
            # Its sandbox refuses root.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--no-first-run",
        ],
    }
