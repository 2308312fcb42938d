"""Who runs this site and answers for it, from a file that an operator writes.

What the law wants to be said of them (loi no 2004-575 of 21 June 2004, article 1-1; GDPR,
article 13) and where to report a vulnerability (RFC 9116).
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


class ImprintRefused(Exception):
    """The file cannot be read as an imprint; the message says what to correct."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """Empty is what the operator has not written yet."""

    name: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""
    # The person who answers for what is published.
    director: str = ""
    # Name, address and telephone of who houses the machines.
    host: str = ""
    # How to reach the data protection officer.
    data_protection: str = ""
    # A URI: mailto: or https:.
    security: str = ""
    # From that day on nobody is to trust the security contact without asking again.
    security_until: dt.date | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """What the law wants said and the operator has not written."""
        return tuple(name for name in _LAWFUL if not getattr(self, name))


_LAWFUL = ("name", "address", "phone", "email", "director", "host", "data_protection")
_NAMES = tuple(field.name for field in fields(Imprint))


def read(path: Path) -> Imprint:
    """Raises ImprintRefused."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ImprintRefused(f"it cannot be read ({exc.strerror})") from exc
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ImprintRefused("it is not TOML in UTF-8") from exc
    for name, value in written.items():
        if name not in _NAMES:
            raise ImprintRefused(f"it knows no {name!r}, but {', '.join(_NAMES)}")
        wanted = dt.date if name == "security_until" else str
        # A datetime is a date to Python.
        if type(value) is not wanted:
            raise ImprintRefused(
                f"{name} is no {'date, as in 2027-06-30' if wanted is dt.date else 'text'}"
            )
    said: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in written.items()
    }
    return Imprint(**said)
