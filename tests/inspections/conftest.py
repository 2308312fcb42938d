"""A stand-in for UTAC over real HTTP, and the settings by which it is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from histovet.inspections.access import Access
from histovet.inspections.utac import client
from histovet.local.utac import PASSWORD, USER, StandIn, running

TIMEOUT_SECONDS = 1.0
# The rest is for a busy machine. Who did not keep to the timeout would wait five seconds
# for the slow answer, and minutes for the one that drips.
IN_TIME_SECONDS = TIMEOUT_SECONDS + 2.0


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running() as server:
        yield server


@pytest.fixture
def connected(settings, stand_in: StandIn) -> Iterator[StandIn]:
    """The stand-in, which the site is set to ask."""
    settings.UTAC_URL = stand_in.url
    settings.UTAC_USER, settings.UTAC_PASSWORD = USER, PASSWORD
    settings.UTAC_TIMEOUT_SECONDS = TIMEOUT_SECONDS
    yield stand_in
    client.cache_clear()


def access(url: str, **changes) -> Access:
    known = {
        "url": url,
        "user": USER,
        "password": PASSWORD,
        "token": "",
        "certificate": None,
        "private_key": None,
        "authority": None,
        "timeout_seconds": TIMEOUT_SECONDS,
    }
    return Access(**(known | changes))


def pem(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
