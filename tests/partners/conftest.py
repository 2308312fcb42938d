import datetime as dt
import json

import pytest
from django.utils import timezone

from histovet.partners.models import SCOPES, PartnerKey
from histovet.sharing import links
from histovet.vault import reading
from tests.partners import register
from tests.partners.demands import Link

PATH = "/api/v1/report_by_data"
CODE_PATH = "/api/v1/report_by_code"


@pytest.fixture
def published(db):
    """The vehicles of tests/partners/register.py."""
    return register.publish_records(*register.EVERYTHING)


@pytest.fixture
def make_link(published):
    """Make a link as if at `now`, to a vehicle of tests/partners/register.py."""

    def make(registration=register.FULL, *, now=None, days=7, **terms) -> Link:
        identity = registration.identity
        secret = links.create(
            identity,
            reading.read(identity),
            bytes(16),
            life=dt.timedelta(days=days),
            now=now or timezone.now(),
            **terms,
        )
        return Link(identity, secret)

    return make


@pytest.fixture
def make_key(db):
    """Make a key and return (row, key)."""

    def make(**changes):
        now = timezone.now()
        given = {
            "name": "Essai",
            "scopes": SCOPES,
            "rate": "1000/s",
            "daily_quota": None,
            "expires_at": now + dt.timedelta(days=1),
            "now": now,
        }
        return PartnerKey.issue(**(given | changes))

    return make


@pytest.fixture
def key(make_key):
    return make_key()[1]


@pytest.fixture
def ask(client, key):
    """Send a demand with the partner's key and return the answer."""
    client.raise_request_exception = False

    def send(body, *, path=PATH, method="post", with_key=key, **headers):
        if not isinstance(body, bytes | str):
            body = json.dumps(body)
        content_type = headers.pop("content_type", "application/json")
        if with_key is not None:
            headers = {"authorization": f"Bearer {with_key}"} | headers
        return client.generic(
            method.upper(), path, body, content_type=content_type, headers=headers
        )

    return send


@pytest.fixture
def ask_code(ask):
    """Send a link's code, or a demand, and return the answer."""

    def send(asked, **arguments):
        body = asked.demand if isinstance(asked, Link) else asked
        return ask(body, **({"path": CODE_PATH} | arguments))

    return send
