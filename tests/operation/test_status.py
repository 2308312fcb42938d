"""/etat: what anyone may know of the state of the site, and nothing else."""

import datetime as dt
import time

import pytest
from django.utils import timezone

from histovet.history import signatory
from histovet.inspections import retrieve
from histovet.operation import requests, views
from histovet.operation.models import Maintenance
from histovet.operation.reasons import Reason
from histovet.operation.status import Documents, Inspections, State, status
from histovet.operation.watch import Seen, Watch
from tests.usage.test_pages import text_of

TODAY = dt.date(2026, 11, 26)
AS_OF = dt.date(2026, 11, 25)
ENGLISH, FRENCH = "/en/status", "/etat"


def found(*reasons: Reason, as_of: dt.date | None = AS_OF, **sources):
    given = {"inspections": Inspections.OF_REGISTER, "documents": Documents.SIGNED}
    return status(reasons, as_of, TODAY, **(given | sources))


def states(one) -> list[str]:
    return [part.state.value for part in one.parts]


def test_when_all_is_well_everything_works_and_nothing_is_advised():
    assert found().state is State.WORKS
    assert states(found()) == ["good"] * 5
    assert found().advice == ()


@pytest.mark.parametrize(
    "reason",
    [
        Reason.STARTING,
        Reason.DATABASE_UNREACHABLE,
        Reason.DATABASE_OF_ANOTHER_VERSION,
        Reason.NO_ACTIVE_RELEASE,
        Reason.RELEASE_UNREADABLE,
    ],
)
def test_without_reports_only_pages_work(reason):
    one = found(reason)
    assert one.state is State.OUT
    assert states(one) == ["good", "grave", "grave", "grave", "grave"]
    assert [part.told for part in one.parts[3:]] == [
        "Ils reviendront avec les rapports."
    ] * 2
    # That of a source alone would lead past what is wrong.
    others = found(reason, inspections=Inspections.PAUSED).advice
    assert one.advice == others and len(others) == 3


def test_every_reason_is_thought_of():
    """A ring that went hides nothing yet, and a maintenance is told apart."""
    harmless = {Reason.KEY_RING_UNREADABLE, Reason.MAINTENANCE}
    for reason in Reason:
        is_well = found(reason).state is State.WORKS
        assert is_well == (reason in harmless), reason


def test_a_clock_that_is_wrong_is_told_where_it_matters():
    one = found(Reason.CLOCK_WRONG)
    assert (one.state, states(one)) == (
        State.PARTLY,
        ["good", "good", "warn", "good", "good"],
    )
    assert "plus tôt ou plus tard" in one.parts[2].told


def test_a_release_that_is_old_is_said_to_be():
    one = found(Reason.RELEASE_TOO_OLD, as_of=dt.date(2026, 11, 10))
    assert one.state is State.PARTLY
    assert "16 jours" in one.parts[1].told
    assert "les derniers changements manquent" in one.parts[1].told


@pytest.mark.parametrize(
    ("as_of", "told"),
    [
        (TODAY, "Les données sont d’aujourd’hui."),
        (AS_OF, "Les données ont 1 jour."),
        (dt.date(2026, 11, 24), "Les données ont 2 jours."),
        # That of a register that was delivered ahead.
        (dt.date(2026, 11, 27), "Les données sont d’aujourd’hui."),
    ],
)
def test_the_age_is_told_in_days(as_of, told):
    assert found(as_of=as_of).parts[1].told == told


def test_a_source_that_fails_is_told_with_what_to_do():
    paused = found(inspections=Inspections.PAUSED)
    assert (paused.state, states(paused)) == (
        State.PARTLY,
        ["good", "good", "good", "warn", "good"],
    )
    assert "procès-verbal" in paused.advice[0]
    unsigned = found(documents=Documents.NOBODY_SIGNS)
    assert (unsigned.state, states(unsigned)[-1]) == (State.PARTLY, "grave")
    assert "un lien plutôt qu’un PDF" in unsigned.advice[0]


def test_documents_that_nobody_offers_are_not_out_of_order():
    one = found(documents=Documents.NOT_OFFERED)
    assert (one.state, len(one.parts)) == (State.WORKS, 4)


@pytest.fixture
def seen(monkeypatch):
    """Return a function that sets what this process has seen."""
    fresh = Watch()
    for module in (requests, views):
        monkeypatch.setattr(module, "watch", fresh)

    def see(*reasons: Reason, **more) -> None:
        fresh.seen = Seen(time.monotonic(), reasons, **more)

    return see


# Without django_db a query would fail.
@pytest.mark.parametrize(
    ("reasons", "french", "english"),
    [
        ((), "Tout fonctionne.", "Everything works."),
        (
            (Reason.DATABASE_UNREACHABLE,),
            "Les rapports ne s’affichent pas. Nous nous en occupons.",
            "Reports are not shown. We are seeing to it.",
        ),
        (
            (Reason.RELEASE_TOO_OLD,),
            "Le site fonctionne, sauf ce qui est dit plus bas.",
            "The site works, apart from what is said below.",
        ),
    ],
)
def test_the_page_says_it_first_and_asks_no_database(
    client, seen, reasons, french, english
):
    seen(*reasons, release_as_of=AS_OF, release_number=7)
    assert french in text_of(client, FRENCH)
    assert english in text_of(client, ENGLISH)
    assert "25 novembre 2026" in text_of(client, FRENCH)
    answer = client.get(FRENCH)
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    assert not answer.cookies


def test_it_names_no_reason_host_or_version(client, seen, settings):
    settings.UTAC_URL = "https://utac.internal.example"
    seen(*Reason, release_as_of=AS_OF, release_number=7)
    page = client.get(FRENCH).content.decode()
    for secret in (*Reason, "utac.internal", "PostgreSQL", "Django", "127.0.0.1"):
        assert secret not in page.partition("<main")[2].partition("</main>")[0]


def test_a_maintenance_is_announced_here_too(client, seen):
    until = timezone.now() + dt.timedelta(hours=2)
    closed = Maintenance(since=timezone.now(), until=until)
    seen(Reason.MAINTENANCE, maintenance=closed)
    assert client.get("/aide").status_code == 503
    local = timezone.localtime(until)
    text = text_of(client, FRENCH)
    assert "Le site est fermé pour maintenance." in text
    assert f"vers {local:%H:%M} (heure de Paris)" in text
    assert "Gardez-le, il s’ouvrira ensuite." in text
    assert "Tout fonctionne" not in text
    assert "opens again on" in text_of(client, ENGLISH)
    assert 'href="/etat"' in client.get("/aide").content.decode()


def test_an_end_that_has_passed_is_not_announced(client, seen):
    past = timezone.now() - dt.timedelta(hours=2)
    seen(Reason.MAINTENANCE, maintenance=Maintenance(since=past, until=past))
    assert "Il rouvre bientôt." in text_of(client, FRENCH)


@pytest.mark.parametrize("path", ["/etat/", "/etat/x", "/en/etat", "/ETAT"])
def test_nothing_else_is_let_through_a_maintenance(client, seen, path):
    seen(Reason.MAINTENANCE, maintenance=Maintenance(since=timezone.now()))
    assert client.get(path).status_code == 503


def test_it_is_only_read(client, seen):
    assert client.post(FRENCH).status_code == 405


def test_utac_is_told_to_be_left_alone_after_its_failures(client, seen, settings):
    settings.UTAC_URL = "http://127.0.0.1:1"
    seen(release_as_of=AS_OF)
    assert "Ils sont demandés à l’UTAC" in text_of(client, FRENCH)
    breaker = retrieve.utac.client(retrieve.configured())._breaker
    for _ in range(3):
        breaker.failed("essai")
    assert "L’UTAC, qui les tient, ne répond pas." in text_of(client, FRENCH)
    breaker.lets_through()
    breaker.succeeded()
    retrieve.utac.client.cache_clear()


def test_a_certificate_that_is_over_signs_nothing(client, seen, monkeypatch):
    seen(release_as_of=AS_OF)
    assert "PDF signé" in text_of(client, FRENCH)
    monkeypatch.setattr(signatory.Signatory, "is_valid", lambda self, now: False)
    assert "Aucun PDF n’est signé en ce moment." in text_of(client, FRENCH)


def test_the_page_of_an_error_leads_here(client, seen):
    seen(release_as_of=AS_OF)
    assert 'href="/etat"' in client.get("/").content.decode()
