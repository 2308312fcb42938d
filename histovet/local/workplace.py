"""What every command works with: database, key rings, environment, children."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from histovet.local.databases import ensure_database
from histovet.local.errors import CommandFailed, LocalError
from histovet.local.locks import exclusive
from histovet.local.postgres import server
from histovet.local.processes import Children, adopt_orphans
from histovet.local.signing import development_signing
from histovet.local.state import State
from histovet.local.temporary import temporary_folder

_KEY_RINGS = {"HISTOVET_REGISTER_KEYS": "register", "HISTOVET_SITE_KEYS": "site"}


@dataclass(frozen=True)
class Workplace:
    state: State
    family: Children
    environment: Mapping[str, str]

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    def python(self, what: str, *arguments: str) -> None:
        """Run our Python with the arguments; raise CommandFailed."""
        self.family.check(what, [sys.executable, *arguments], self.environment)

    def capture_python(self, *arguments: str) -> tuple[int, str]:
        """Return the status of our Python with the arguments, and what it printed."""
        return self.family.capture([sys.executable, *arguments], self.environment)

    def with_variables(self, **variables: str) -> "Workplace":
        return replace(self, environment={**self.environment, **variables})


@contextmanager
def open_workplace(state: State, family: Children) -> Iterator[Workplace]:
    """Have a database and key rings during the block.

    Raises LocalError when there is no way to have them.
    """
    with temporary_folder(state) as temporary, _database_url(state, family) as url:
        # Only now, or the server we share would count as ours alone.
        adopt_orphans()
        workplace = workplace_with(state, family, temporary, url)
        try:
            yield workplace.with_variables(
                **_development_keys(workplace), **development_signing(workplace)
            )
        finally:
            # What a command left in the background would lose its database.
            family.end()


def workplace_with(
    state: State, family: Children, temporary: Path, database_url: str
) -> Workplace:
    """Return a workplace on this database, without key rings of its own."""
    # Where static files would be collected; WhiteNoise warns when it is missing.
    state.static.mkdir(exist_ok=True)
    return Workplace(
        state,
        family,
        {
            # Development unless told otherwise: plain http on this machine.
            "HISTOVET_DEBUG": "1",
            # The registers at hand end in 2021, and an alarm that never stops tells
            # a developer nothing.
            "HISTOVET_RELEASE_MAX_AGE_DAYS": "3660",
            "PYTHONUNBUFFERED": "1",
            **os.environ,
            "HISTOVET_STATE": str(state.root),
            "DATABASE_URL": database_url,
            "TMPDIR": str(temporary),
            # Kept when tests fail, and sockets there find a shorter path themselves.
            "PYTEST_DEBUG_TEMPROOT": str(state.temporary),
            # Compiled files go to the state folder; without them every start takes
            # half a second longer. A folder that was given may hold them already.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": os.path.abspath(
                os.environ.get("PYTHONPYCACHEPREFIX") or state.cache / "python"
            ),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(state.cache / "hypothesis"),
            "MYPY_CACHE_DIR": str(state.cache / "mypy"),
            "RUFF_CACHE_DIR": str(state.cache / "ruff"),
        },
    )


@contextmanager
def _database_url(state: State, family: Children) -> Iterator[str]:
    given = os.environ.get("DATABASE_URL", "").strip()
    if given:
        yield given
        return
    with server(state.root, family.pause) as url:
        # They would lead the clients elsewhere.
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
        ensure_database(url)
        yield url


def _development_keys(workplace: Workplace) -> dict[str, str]:
    """Return the variables that name the key rings, made once when none are given."""
    given = [
        variable
        for variable in _KEY_RINGS
        if workplace.environment.get(variable, "").strip()
    ]
    if len(given) == len(_KEY_RINGS):
        return {}
    if given:
        raise LocalError(
            f"{given[0]} is set and the other key ring is not; set both or neither"
        )
    return made_keys(workplace, workplace.state.keys)


def made_keys(workplace: Workplace, folder: Path) -> dict[str, str]:
    """Make two key rings in the folder unless they are there; return their variables."""
    with exclusive(workplace.state.lock("keys"), workplace.family.pause):
        if not folder.exists():
            # Renamed when both are there, so that a kill leaves no single ring.
            fresh = folder.with_name(folder.name + ".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            status, _ = workplace.capture_python(
                *("-m", "pseudonymizer", "keys", "init"),
                *("--register", str(fresh / "register.json")),
                *("--site", str(fresh / "site.json")),
            )
            if status != 0:
                raise CommandFailed("pseudonymizer keys init", status)
            fresh.rename(folder)
    return {
        variable: str(folder / f"{purpose}.json")
        for variable, purpose in _KEY_RINGS.items()
    }
