import datetime as dt
import json

import pytest
from django.utils import timezone

from histovet.partners.models import PartnerKey, Scope
from tests.partners import register

PATH = "/api/v1/report_by_data"


@pytest.fixture
def published(db):
    """The vehicles of tests/partners/register.py."""
    return register.publish_records(*register.EVERYTHING)


@pytest.fixture
def make_key(db):
    """Make a key and return (row, key)."""

    def make(**changes):
        now = timezone.now()
        given = {
            "name": "Essai",
            "scopes": [Scope.REPORT_BY_DATA.value],
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
