"""gunicorn is asked to stop within the seconds between two writes."""

import json
import os

import pytest
from django.core.cache import cache

from histovet.usage.daily_counts import daily_counts
from histovet.usage.models import CountOfDay
from tests.attacks.serving import site
from tests.attacks.test_forwarding import status
from tests.history.showcase import publish_showcase
from tests.partner import new_key
from tests.publish import database_url
from tests.sharing.test_seller_views import make, seller_of


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_stop_writes_what_it_counted(tmp_path):
    cache.clear()
    shown = publish_showcase(tmp_path / "register")
    code, key = make(seller_of(shown["clean"])).code, new_key()
    body = json.dumps({"vehicule": {"code": code}}).encode()
    request = (
        b"POST /api/v1/report_by_code HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n"
        % (key.encode(), len(body))
    )
    # This process has written none of its own.
    assert not CountOfDay.objects.exists() and daily_counts._unwritten
    with site({**os.environ, "DATABASE_URL": database_url()}, workers=2) as running:
        for _ in range(6):
            assert status(running.send(request + body)) == 200
    found = CountOfDay.objects.exclude(count=0).values_list("what", "count")
    assert list(found) == [("partner_report", 6)]
