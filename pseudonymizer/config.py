"""Environment → frozen Config; the job reads the environment nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pseudonymizer.errors import ConfigError

REGISTER_KEYS = "HISTOVET_REGISTER_KEYS"
SITE_KEYS = "HISTOVET_SITE_KEYS"
MAX_REJECT_SHARE = "HISTOVET_MAX_REJECT_SHARE"
FEED_PUBLIC_KEYS = "HISTOVET_FEED_PUBLIC_KEYS"


@dataclass(frozen=True)
class Config:
    """What `ingest` needs; `max_reject_share` is of the lines, from 0 to 1. With
    `feed_public_keys` a delivery has to be signed."""

    # It may hold a password, which no traceback has to show.
    database_url: str = field(repr=False)
    register_keys: Path
    max_reject_share: float = 0.01
    feed_public_keys: Path | None = None


def read(environ: Mapping[str, str] = os.environ) -> Config:
    """Raises ConfigError naming the variable and what to do."""
    keys = key_path(REGISTER_KEYS, environ)
    if keys is None:
        raise ConfigError(
            f"{REGISTER_KEYS} is not set; name the register key ring, or make one "
            "with: python -m pseudonymizer keys init"
        )
    return Config(
        database_url(environ),
        keys,
        _share(environ),
        key_path(FEED_PUBLIC_KEYS, environ),
    )


def database_url(environ: Mapping[str, str] = os.environ) -> str:
    """Raises ConfigError when there is none."""
    url = environ.get("DATABASE_URL", "").strip()
    if not url:
        raise ConfigError(
            "DATABASE_URL is not set; name the site's PostgreSQL database "
            "(postgresql://user@host/name)"
        )
    return url


def has_database(environ: Mapping[str, str] = os.environ) -> bool:
    return bool(environ.get("DATABASE_URL", "").strip())


def key_path(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the path in a variable, None when it is not set."""
    value = environ.get(name, "").strip()
    return Path(value) if value else None


def _share(environ: Mapping[str, str]) -> float:
    value = environ.get(MAX_REJECT_SHARE, "").strip()
    if not value:
        return Config.max_reject_share
    try:
        share = float(value)
    except ValueError:
        share = -1
    # Written so that "nan" is refused too.
    if not 0 <= share <= 1:
        raise ConfigError(
            f"{MAX_REJECT_SHARE} is {value!r}; write a share from 0 to 1, such as 0.01"
        )
    return share
