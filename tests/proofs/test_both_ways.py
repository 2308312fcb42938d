"""Each vehicle of the real extract, asked for by data and then through a link by code:
one body, but for what may not be told to others: make proofs ONLY=both_ways."""

import datetime as dt
import itertools
import json
from collections import Counter

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from histovet.history.critair import sticker
from histovet.history.evidence import evidence
from histovet.history.forms import IdentityForm
from histovet.history.report import (
    DESTRUCTIONS,
    NEW_HOLDERS,
    SALES,
    Audience,
    report,
)
from histovet.history.synthesis import synthesis
from histovet.sharing import codes, links
from histovet.sharing.codes import Kind
from histovet.vault import reading
from pseudonymizer.records import Register
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
    # Told to others to its fourth character.
    f"{CERTIFICATE}/caracteristiques_techniques/vin_anonymise",
    # The département.
    f"{CERTIFICATE}/titulaire/particulier/code_postal",
    f"{CERTIFICATE}/titulaire/personne_morale/code_postal",
    # What a coarse date stands after or before has another place in the history.
    "/histovet/tenures/begins_with",
    "/histovet/cancelled_operations",
    # Of codes alone.
    "/histovet/receipt",
}
# What is concluded from dates is concluded from those that are told: `unexplained` says
# what may differ, and nothing else may.
CONCLUDED = {
    *(f"/histovet/alerts/{name}" for name in ("code", "gravity", "count", "title")),
    "/histovet/verdict",
    "/histovet/contradictions",
    "/histovet/critair/sticker",
    "/histovet/critair/unknown_because",
}
VERDICTS = {"blocking": "blocked", "check": "check", "note": "clear"}
# Dates that may stand in an order among themselves that others are not told.
KINDS = ("born", "issued", "held", "sold", "ended", "claimed", "resolved")
KINDS_OF_CODES = {
    **dict.fromkeys(NEW_HOLDERS, "held"),
    **dict.fromkeys(SALES, "sold"),
    **dict.fromkeys(DESTRUCTIONS, "ended"),
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


def period(day, record):
    """Return the first and the last day that others know a date by."""
    if record.register is Register.SIV:
        first = day.replace(day=1)
        last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    else:
        first, last = day.replace(month=1, day=1), day.replace(month=12, day=31)
    if record.issue_date is None or first <= record.issue_date <= last:
        return first, last
    return day, day


def at_the_ends(record, at_last):
    """Return a record of which others are told the same: each date that they do not
    know exactly is the last of its period, if it is of these kinds, and the first
    otherwise."""

    def moved(day, kind=""):
        return day and period(day, record)[kind in at_last]

    return msgspec.structs.replace(
        record,
        # Others are told the register's own date.
        updated=None,
        first_registration=moved(record.first_registration, "born"),
        first_registration_abroad=moved(record.first_registration_abroad, "born"),
        issue_date=moved(record.issue_date, "issued"),
        last_claim=moved(record.last_claim, "claimed"),
        last_resolution=moved(record.last_resolution, "resolved"),
        operations=tuple(
            msgspec.structs.replace(
                one, date=moved(one.date, KINDS_OF_CODES.get(one.code, ""))
            )
            for one in record.operations
        ),
        suspensions=tuple(
            msgspec.structs.replace(one, date=moved(one.date, "ended"))
            for one in record.suspensions
        ),
    )


def concluded(record, as_of):
    """Return what is concluded from exact dates, as `told_of` names it."""
    exact = report(record, audience=Audience.HOLDER, as_of=as_of)
    found = synthesis(evidence(exact))
    return {
        *(f"alert {one.code}" for one in found.alerts if one.code != "contradiction"),
        *(f"contradiction {code}" for code in found.contradictions),
        f"critair {sticker(exact).value}",
    }


def told_of(answer):
    ours = answer["histovet"]
    return {
        *(f"alert {one['code']}" for one in ours["alerts"]
          if one["code"] != "contradiction"),
        *(f"contradiction {code}" for code in ours["contradictions"]),
        *(f"critair {value}" for value in ours["critair"].values()),
    }  # fmt: skip


def unexplained(record, as_of, exact, others):
    """Return what others are told, or are not, though their dates decide it.

    What only the holder is told does not hold on every day that others leave open; what
    only others are told holds on some. A contradiction is told to them if it holds on
    all of these days, and to the sticker no day of them may give another.
    """
    mine, theirs = told_of(exact), told_of(others)
    if mine == theirs:
        return []
    possible = [
        concluded(at_the_ends(record, set(at_last)), as_of)
        for length in range(len(KINDS) + 1)
        for at_last in itertools.combinations(KINDS, length)
    ]
    always = set.intersection(*possible)
    ever = set.union(*possible) | {"critair date too coarse"}
    wrong = [f"kept from others: {one}" for one in mine - theirs if one in always]
    wrong += [
        f"told to others alone: {one}" for one in theirs - mine if one not in ever
    ]
    wrong += [
        f"not certain for others: {one}"
        for one in theirs
        if one not in always and one.startswith(("contradiction", "critair"))
        and one != "critair date too coarse"
    ]  # fmt: skip
    return wrong


def assert_follows_from_its_alerts(answer):
    """The verdict is that of the gravest alert; contradictions are one of them."""
    ours = answer["histovet"]
    gravities = [one["gravity"] for one in ours["alerts"]]
    worst = next((one for one in VERDICTS if one in gravities), "note")
    assert ours["verdict"] == VERDICTS[worst]
    counted = [a["count"] for a in ours["alerts"] if a["code"] == "contradiction"]
    assert sum(counted) == len(ours["contradictions"])


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
    one_way_alone, wrong, otherwise = Counter(), Counter(), Counter()
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
        for answer in (exact, others):
            assert_follows_from_its_alerts(answer)
        as_of = dt.date.fromisoformat(others["histovet"]["as_of"])
        wrong.update(unexplained(opened.record, as_of, exact, others))
        otherwise.update(told_of(exact) ^ told_of(others))
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
            "concluded otherwise, each from a coarse date": dict(otherwise),
            "fields of the ancestor given": len(fields),
        },
    )
    assert wrong == Counter()
    assert set(differing) <= COARSE_DATES | BESIDES | CONCLUDED
    assert shared > 1500
