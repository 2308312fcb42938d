"""What the pages show: sums of the site, releases, and whether the trail is whole."""

import datetime as dt
import re

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from histovet.audit import trail
from histovet.audit.models import Entry
from histovet.limits import clients, whole_site
from histovet.operators.trail_page import PAGE
from histovet.partners.anomalies import FAILURES_A_DAY
from histovet.partners.models import PartnerUse
from histovet.vault.models import Release
from tests.operators.conftest import BY_TEST, enrolled, serve_operators
from tests.operators.test_acts import new_key


@pytest.fixture
def failures(db, rf, settings, tmp_path):
    """Three tries of the site that found nothing, counted under the site's own keys;
    this process is then the dashboard."""
    cache.clear()
    request = rf.post("/vendeur", REMOTE_ADDR="198.51.100.7")
    for _ in range(3):
        clients.count_failure(request, "seller", timezone.now())
    serve_operators(settings, tmp_path)
    yield settings
    cache.clear()


def test_sums_of_the_whole_site_are_read_and_nothing_of_a_network(failures):
    found = {one.purpose: one for one in whole_site.failures(timezone.now())}
    assert found["seller"].now + found["seller"].before == 3
    assert found["car"].now == found["opening"].now == 0
    # The network's own two counters, and the sum.
    assert whole_site.live_counters() == 3
    with pytest.raises(Exception, match="has no subkey 'throttle'"):
        clients.throttle_value("seller", "198.51.100.7", timezone.now().date())


def test_the_brake_is_told_on_the_first_page(failures, client):
    operator = enrolled()
    operator.sign_in(client)
    assert "Le frein est mis" not in client.get("/").content.decode()
    failures.BRAKE_FAILURES = 3
    assert "Le frein est mis" in client.get("/").content.decode()
    page = client.get("/limites").content.decode()
    assert '<span class="badge warn">mis</span>' in page
    assert "198.51.100" not in page


def test_a_used_up_quota_and_budget_are_counted(signed_in):
    today = timezone.now().date()
    one, _ = new_key("Un", daily_quota=5)
    two, _ = new_key("Deux")
    also_two, _ = new_key("DEUX")
    PartnerUse.objects.create(key_id=one.pk, day=today, reports=5)
    for row in (two, also_two):
        PartnerUse.objects.create(
            key_id=row.pk, day=today, failures=FAILURES_A_DAY // 2
        )
    page = signed_in.get("/limites").content.decode()
    assert "Partenaires sans recherche restante</dt><dd>1 " in page
    assert "Clés sans rapport restant</dt><dd>1<" in page


def release(**changes) -> Release:
    values = {
        "uuid": "00000000-0000-4000-8000-000000000001",
        "label": "essai",
        "as_of": timezone.now().date(),
        "key_version": 1,
        "salt": b"s" * 32,
        "mac": b"m" * 32,
        "state": "active",
        "manifest_sha256": b"f" * 32,
        "lines": 1_234_567,
        "rows": 1_234_000,
        "rejects": 567,
        "activated_at": timezone.now(),
    }
    return Release.objects.create(**values | changes)


def test_a_release_is_shown_with_its_age(signed_in, settings):
    settings.RELEASE_MAX_AGE_DAYS = 5
    assert "Aucune publication n’est active" in signed_in.get("/").content.decode()
    row = release()
    assert "Rien à signaler" in signed_in.get("/").content.decode()
    page = signed_in.get("/publications").content.decode()
    assert re.search(r">1\s234\s567</td>", page) and ">567</td>" in page
    assert "1,234,567" in signed_in.get("/en/publications").content.decode()
    Release.objects.filter(pk=row.pk).update(
        as_of=timezone.now().date() - dt.timedelta(days=6)
    )
    told = signed_in.get("/").content.decode()
    assert "Les données ont 6 jours" in told


def test_what_to_run_to_go_back_is_told(signed_in):
    assert (
        "pas de publication précédente"
        in signed_in.get("/publications").content.decode()
    )
    release(state="previous", as_of=dt.date(2026, 11, 1))
    page = signed_in.get("/publications").content.decode()
    assert "releases rollback" in page and "2026-11-01, redeviendrait" in page


def test_the_trail_is_shown_page_by_page(signed_in):
    for i in range(PAGE + 10):
        trail.add(BY_TEST, "partner.end", f"hv_{i:06d}… Essai")
    head = Entry.objects.latest("position")
    newest = signed_in.get("/journal").content.decode()
    assert newest.count("<tr><td>") == PAGE and "intact sur cette page" in newest
    assert f"{head.position}:{bytes(head.mac)[:8].hex()}" in newest
    oldest = f"/journal?avant={head.position - PAGE + 1}"
    assert oldest in newest
    page = signed_in.get(oldest).content.decode()
    assert "Clé terminée" in page and "Compte créé" in page
    assert page.count("<tr><td>") == head.position - PAGE
    assert "Les plus récentes" in page and "Plus anciennes" not in page


@pytest.mark.parametrize("change", ["DELETE FROM audit_entry WHERE position = 5",
                                    "UPDATE audit_entry SET actor = 'x' WHERE position = 5"])  # fmt: skip
def test_a_trail_that_was_changed_is_told_where(signed_in, change):
    for i in range(9):
        trail.add(BY_TEST, "partner.end", f"hv_{i}")
    with connection.cursor() as cursor:
        cursor.execute(change)
    page = signed_in.get("/journal").content.decode()
    assert "n’est plus comme il a été écrit, à la ligne 5" in page
    assert "intact" not in page


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 19, "²"])
def test_a_place_that_is_none_is_no_page(signed_in, before):
    assert signed_in.get("/journal", {"avant": before}).status_code == 404


def test_what_a_partner_is_called_is_text_and_no_markup(signed_in):
    new_key("<b>Garage</b> & fils")
    for path in ("/cles", "/"):
        assert "<b>Garage" not in signed_in.get(path).content.decode()
    assert "&lt;b&gt;Garage" in signed_in.get("/cles").content.decode()


def test_a_page_that_fails_is_told_and_shows_nothing_of_why(signed_in):
    """As it is when migrations are missing; without the role's own table for instance."""
    quiet = Client(raise_request_exception=False)
    quiet.cookies = signed_in.cookies
    with pytest.raises(Undone), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE vault_release RENAME TO elsewhere")
        answer = quiet.get("/publications")
        raise Undone
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "vault_release" not in page and "Une erreur est survenue" in page


class Undone(Exception):
    """What the test changed is taken back."""


def test_a_line_whose_key_is_not_here_is_told(signed_in):
    """As one that a newer key wrote, while this part of the ring is older."""
    trail.add(BY_TEST, "partner.end", "hv_1")
    Entry.objects.filter(position=4).update(key_version=9)
    page = signed_in.get("/journal").content.decode()
    assert "1 ligne de cette page n’est pas vérifiée" in page and "intact" not in page
