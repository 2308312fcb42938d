"""Each vehicle of the real extract, asked for by data and then through a link by code:
one body, but for what may not be told to others: make proofs ONLY=both_ways."""

import datetime as dt
import json
from collections import Counter

import pytest
from django.test import Client
from django.utils import timezone

from histovet.history.forms import IdentityForm
from histovet.sharing import codes, links
from histovet.sharing.codes import Kind
from histovet.vault import reading
from tests import extract
from tests.demand import demand
from tests.partner import new_key
from tests.partners.shapes import ancestors_fields, assert_ancestors_shape, fields_of
from tests.proofs import figures
from tests.publish import publish

pytestmark = pytest.mark.proof

CERTIFICATE = "/vehicule/certificat_immatriculation"
ISSUED = "date_emission"
# Every path at which the two ways may differ, and no other. Dates differ as `coarse`
# says and not otherwise.
COARSE_DATES = {
    f"{CERTIFICATE}/date_premiere_immatriculation",
    f"{CERTIFICATE}/caracteristiques_techniques/date_emission",
    "/vehicule/etat/procedures_ve/date_derniere_procedure_ve",
    "/vehicule/etat/procedures_ve/date_fin_derniere_procedure_ve",
    "/vehicule/historique/date",
    "/vehicule/historique/date_annulation",
    "/vehicule/import_en_france/date_import",
    "/vehicule/import_en_france/date_premiere_immatriculation_etranger",
    "/vehicule/situation_administrative/declarations_valant_saisie/date",
    "/vehicule/situation_administrative/gages/date",
    "/vehicule/situation_administrative/opposition/otcis/date",
    "/vehicule/situation_administrative/opposition/otcis_pv/date",
    "/vehicule/situation_administrative/opposition/oveis/date",
    "/vehicule/situation_administrative/opposition/oves/date",
    "/vehicule/situation_administrative/suspensions/date",
    "/histovet/other_oppositions/date",
    "/histovet/procedures/declaration/date",
    "/histovet/procedures/first_report/date",
    "/histovet/procedures/second_report/date",
}
BESIDES = {
    # When the register last touched the vehicle may be the day of its certificate.
    "/vehicule/date_mise_a_jour",
    "/histovet/as_of",
    "/histovet/sources/register/as_of",
    # Counted from the first day of the period.
    f"{CERTIFICATE}/nombre_de_mois_depuis_date_emission_certificat_immatriculation",
    "/histovet/tenures/months",
    # The département.
    f"{CERTIFICATE}/titulaire/particulier/code_postal",
    f"{CERTIFICATE}/titulaire/personne_morale/code_postal",
    # What a coarse date stands after or before has another place in the history.
    "/histovet/tenures/begins_with",
    "/histovet/cancelled_operations",
    # What is concluded from dates is concluded from those that are told.
    *(f"/histovet/alerts/{name}" for name in ("code", "gravity", "count", "title")),
    "/histovet/verdict",
    "/histovet/contradictions",
    "/histovet/critair/sticker",
    "/histovet/critair/unknown_because",
    # Of codes alone.
    "/histovet/receipt",
}


def told(document, path=""):
    """Yield each value with its path; lists have no number."""
    if isinstance(document, dict):
        for name, value in document.items():
            if path == "/histovet" and name == "precisions":
                continue
            yield from told(value, f"{path}/{name}")
    elif isinstance(document, list):
        for value in document:
            yield from told(value, path)
    else:
        yield path, document


def coarse(text, issued, register):
    """Return a date as others are told it. Source: docs/report.md."""
    day = dt.date.fromisoformat(text)
    first = day.replace(day=1) if register == "SIV" else day.replace(month=1, day=1)
    if issued is None:
        return first.isoformat()
    length = 7 if register == "SIV" else 4
    return first.isoformat() if text[:length] == issued[:length] else text


def by_path(document):
    values = {}
    for path, value in told(document):
        values.setdefault(path, Counter())[json.dumps(value)] += 1
    return values


def test_both_ways(transactional_db):
    publish(extract.folder())
    client = Client(headers={"Authorization": f"Bearer {new_key()}"})

    def ask(call, body):
        answer = client.post(f"/api/v1/{call}", body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    theirs = ancestors_fields()
    differing, shared, alone, fields = Counter(), 0, Counter(), set()
    one_way_alone = Counter()
    for one in extract.printed():
        form = IdentityForm(one.form())
        assert form.is_valid()
        identity = form.enquiry.identity
        opened = reading.read(identity)
        try:
            secret = links.create(
                identity,
                opened,
                bytes(16),
                life=dt.timedelta(days=1),
                now=timezone.now(),
            )
        except links.NotShareable:
            alone["cancelled" if opened.record.certificate_cancelled else "other"] += 1
            continue
        shared += 1
        body = demand(one.form())
        exact = ask("report_by_data", body)
        others = ask(
            "report_by_code", {"vehicule": {"code": codes.encode(secret, Kind.LINK)}}
        )
        assert_ancestors_shape(others)
        # What the ancestor has, a code gives too.
        assert fields_of(exact) & theirs == fields_of(others) & theirs
        fields |= fields_of(others) & theirs
        technical = exact["vehicule"]["certificat_immatriculation"][
            "caracteristiques_techniques"
        ]
        issued = technical.get(ISSUED)
        mine, yours = by_path(exact), by_path(others)
        for path in mine.keys() | yours.keys():
            before, after = mine.get(path, Counter()), yours.get(path, Counter())
            if before == after:
                continue
            differing[path] += 1
            if path in COARSE_DATES:
                expected = Counter()
                for value, times in before.items():
                    day = coarse(json.loads(value), issued, one.register)
                    expected[json.dumps(day)] += times
                assert after == expected, path
        alerts = [
            Counter(alert["code"] for alert in one_way["histovet"]["alerts"])
            for one_way in (exact, others)
        ]
        one_way_alone.update((alerts[0] - alerts[1]) + (alerts[1] - alerts[0]))
        pairs = Counter(
            (e["type"], e.get("date") and coarse(e["date"], issued, one.register))
            for e in exact["vehicule"]["historique"]
        )
        assert pairs == Counter(
            (e["type"], e.get("date")) for e in others["vehicule"]["historique"]
        )
    figures.write(
        "both_ways",
        {
            "shared": shared,
            "not to be shared": dict(alone),
            "differing, by path": dict(sorted(differing.items())),
            "alerts told one way alone": dict(one_way_alone),
            "fields of the ancestor given": len(fields),
        },
    )
    assert set(differing) <= COARSE_DATES | BESIDES
    assert shared > 1500
