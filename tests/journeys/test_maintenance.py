import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from histovet.operation import requests
from histovet.operation.models import Maintenance
from histovet.operation.watch import Watch
from tests.journeys.axe import check

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def closed(monkeypatch, transactional_db):
    watch = Watch()
    monkeypatch.setattr(requests, "watch", watch)
    now = timezone.now()
    Maintenance.objects.create(since=now, until=now + dt.timedelta(minutes=20))
    watch.round(now)
    return watch


@pytest.mark.parametrize("path", ["/vendeur", "/en/"])
def test_an_automated_checker_finds_nothing(closed, live_server, page: Page, path):
    page.goto(live_server.url + path)
    check(page)


def test_who_reloads_sees_the_site_again_when_it_is_open(
    closed, live_server, page: Page
):
    page.goto(live_server.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("maintenance")
    Maintenance.objects.all().delete()
    closed.round(timezone.now())
    page.reload()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("maintenance")
