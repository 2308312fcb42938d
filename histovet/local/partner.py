"""Partner keys for trying the JSON API on a developer's machine."""

import os

from histovet.local.errors import CommandFailed
from histovet.local.workplace import Workplace

# A key that was kept before there was this one has not every scope.
_NEWEST_SCOPE = "link_status"


def make_partner_key(workplace: Workplace, name: str) -> str:
    """Return a new key with every scope and 100 requests/s; raise CommandFailed."""
    printed = _partner(workplace, name, "--rate", "100/s", "--all-scopes")
    return printed.strip().splitlines()[-1]


def lasting_partner_key(workplace: Workplace) -> str:
    """Return the key kept in the state folder, or a new one if it is not live."""
    kept = workplace.state.partner_key
    if kept.exists():
        key = kept.read_text().strip()
        if _is_live(workplace, key):
            return key
    key = make_partner_key(workplace, "make run")
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        file.write(key)
    return key


def sandbox_code(workplace: Workplace, demand: str) -> str:
    """Return a code for the vehicle of a demand by data; raise CommandFailed.

    There is a new one at each start, since the one before may have ended.
    """
    file = workplace.state.temporary / "sandbox-demand.json"
    file.write_text(demand, encoding="utf-8")
    command = ("manage.py", "sandbox_code", str(file), "--days", "1")
    status, printed = workplace.capture_python(*command)
    if status != 0:
        raise CommandFailed("manage.py sandbox_code", status)
    return printed.strip().splitlines()[-1]


def _is_live(workplace: Workplace, key: str) -> bool:
    """Tell whether the database knows the key, by the beginning that it shows."""
    for line in _partner(workplace, "--list").splitlines():
        shown, _, rest = line.partition("…")
        if key.startswith(shown) and "  live  " in rest and _NEWEST_SCOPE in rest:
            return True
    return False


def _partner(workplace: Workplace, *arguments: str) -> str:
    status, printed = workplace.capture_python("manage.py", "partner", *arguments)
    if status != 0:
        raise CommandFailed("manage.py partner", status)
    return printed
