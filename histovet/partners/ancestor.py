"""A Report → the ancestor's document, in plain dicts. Pure.

The ancestor omits what it does not know, except numbers, uses and lists, which it sends
as 0, false and []. So do we, and name those in `histovet.unknown`. The shape is
histovet/partners/document.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from histovet.history import alerts, labels, meanings
from histovet.history.critair import Sticker, sticker
from histovet.history.dates import Precision, ShownDate
from histovet.history.evidence import Evidence, evidence
from histovet.history.report import (
    Certificate,
    Report,
    ShownInspection,
    ShownInspections,
    ShownOpposition,
    ShownProcedure,
    ShownStep,
)
from histovet.history.synthesis import synthesis
from histovet.history.tenures import Tenure, tenures
from histovet.inspections.inspected import Absence
from pseudonymizer.records import Register, Vehicle

VERSION = "1.0"

# The ancestor's name ← attribute of Vehicle.
_TEXTS = (
    ("marque", "make"),
    ("tvv", "variant"),
    ("numero_cnit", "cnit"),
    ("nom_commercial", "model"),
    ("couleur", "colour"),
    ("type_de_reception", "approval_type"),
    ("categorie_ue", "eu_category"),
    ("genre_national", "genre"),
    ("carrosserie_ue", "eu_body"),
    ("carrosserie_fr", "body"),
    ("numero_de_reception", "approval_number"),
    ("energie", "energy"),
    ("classe_environnementale_ue", "environment_class"),
)
_WHOLE_NUMBERS = (
    ("ptta", "max_technical_mass_kg"),
    ("ptra", "max_train_mass_kg"),
    ("ptes", "mass_in_service_kg"),
    ("ptav", "unladen_mass_kg"),
    ("puissance_cv", "fiscal_power_cv"),
    ("places_assises", "seats"),
    ("places_debout", "standing_places"),
    ("niveau_sonore", "noise_db"),
    ("vitesse_du_moteur", "noise_engine_speed"),
    ("emission_co2", "co2_g_km"),
)
_NUMBERS = (
    ("ptac", "max_laden_mass_kg"),
    ("cylindree", "displacement_cm3"),
    ("puissance_nette", "net_power_kw"),
    ("rapport_puissance_masse", "power_to_mass"),
)
_CODED = tuple(pair for pair in _TEXTS if pair[1] in meanings.CODED)
_OPPOSITIONS = ("oves", "oveis", "otcis", "otcis_pv")

_CERTIFICATE = "/vehicule/certificat_immatriculation"
_TECHNICAL = f"{_CERTIFICATE}/caracteristiques_techniques"
_DAMAGE = "/vehicule/etat/procedures_ve"
_SITUATION = "/vehicule/situation_administrative"

# What the register does not say of a cancelled certificate, and the ancestor answers
# nevertheless.
_UNKNOWN_WHEN_CANCELLED = (
    "/vehicule/etat/vehicule_a_usage_agricole",
    "/vehicule/etat/vehicule_a_usage_de_collection",
    "/vehicule/historique",
    f"{_SITUATION}/suspensions",
    f"{_SITUATION}/declarations_valant_saisie",
    f"{_SITUATION}/gages",
    *(f"{_SITUATION}/opposition/{kind}" for kind in _OPPOSITIONS),
)

_INSPECTIONS = "/controles_techniques/historique"


def ancestor_document(
    report: Report, *, release: str, inspections: bool, receipt: str | None = None
) -> dict[str, Any]:
    """Return the document for one report; dates are `date`, which orjson writes in ISO.

    `inspections` says whether the client asked for them, `receipt` under which number
    the seller is told that it read the report.
    """
    dates = _Dates()
    unknown: list[str] = []
    vehicle = {
        "date_mise_a_jour": report.as_of,
        "certificat_immatriculation": _certificate(report, dates, unknown),
        "etat": _state(report, dates),
        "historique": _history(report, dates),
        "import_en_france": _import(report, dates),
        "situation_administrative": _situation(report, dates),
    }
    if report.certificate.cancelled:
        unknown += _UNKNOWN_WHEN_CANCELLED
    document: dict[str, Any] = {"vehicule": vehicle}
    if inspections:
        document["controles_techniques"] = _inspections(report.inspections, dates)
    document["histovet"] = {
        "version": VERSION,
        "as_of": report.as_of,
        "release": release,
        **_additions(report, dates),
        **_conclusions(report, dates, inspections=inspections),
        "precisions": dates.precisions,
        "unknown": unknown,
        "quality": report.quality,
    }
    _put(document["histovet"], "receipt", receipt)
    return document


class _Dates:
    """Puts dates where they belong and notes those that stand for a month or a year."""

    def __init__(self) -> None:
        self.precisions: dict[str, str] = {}

    def put(
        self, target: dict[str, Any], name: str, shown: ShownDate | None, path: str
    ) -> None:
        if shown is None:
            return
        target[name] = shown.date
        if shown.precision is not Precision.DAY:
            self.precisions[f"{path}/{name}"] = shown.precision.value


def _certificate(report: Report, dates: _Dates, unknown: list[str]) -> dict[str, Any]:
    certificate = report.certificate
    found: dict[str, Any] = {}
    dates.put(
        found, "date_premiere_immatriculation", report.first_registration, _CERTIFICATE
    )
    if certificate.months_held is not None:
        found["nombre_de_mois_depuis_date_emission_certificat_immatriculation"] = (
            certificate.months_held
        )
    found["numero_immatriculation_anonymisee"] = report.masked_plate
    found["titulaire"] = _holder(certificate)
    technical = _technical(report.vehicle, None if certificate.cancelled else unknown)
    dates.put(technical, "date_emission", certificate.issue_date, _TECHNICAL)
    found["caracteristiques_techniques"] = technical
    state: dict[str, Any] = {}
    _put(state, "duplicata", certificate.duplicate)
    _put(state, "annule", certificate.cancelled)
    dates.put(
        state, "date_annulation", certificate.cancelled_on, f"{_CERTIFICATE}/etat"
    )
    _put(state, "perdu", certificate.lost)
    _put(state, "vole", certificate.stolen)
    found["etat"] = state
    return found


def _holder(certificate: Certificate) -> dict[str, Any]:
    initials = certificate.initials
    holder: dict[str, Any] = {}
    if initials.family or initials.given:
        person: dict[str, Any] = {}
        _put(person, "nom_anonymise", initials.family)
        _put(person, "prenoms_anonymises", initials.given)
        _put(person, "code_postal", certificate.place)
        holder["particulier"] = person
    if initials.company or initials.siren_prefix:
        company: dict[str, Any] = {}
        _put(company, "raison_sociale_anonymisee", initials.company)
        if initials.siren_prefix:
            company["siren_anonymise"] = f"{initials.siren_prefix}******"
        _put(company, "code_postal", certificate.place)
        holder["personne_morale"] = company
    return holder


def _technical(vehicle: Vehicle, unknown: list[str] | None) -> dict[str, Any]:
    """`unknown` is where to name the zeros, None to leave unknown numbers out."""
    found: dict[str, Any] = {}
    for name, attribute in _TEXTS:
        _put(found, name, getattr(vehicle, attribute))
    if vehicle.vin is not None:
        found["vin_anonymise"] = vehicle.vin
    for name, attribute in _WHOLE_NUMBERS:
        value = getattr(vehicle, attribute)
        if value is not None:
            found[name] = round(value)
        elif unknown is not None:
            found[name] = 0
            unknown.append(f"{_TECHNICAL}/{name}")
    for name, attribute in _NUMBERS:
        value = getattr(vehicle, attribute)
        if value is not None:
            found[name] = int(value) if value == int(value) else value
        elif unknown is not None:
            found[name] = 0
            unknown.append(f"{_TECHNICAL}/{name}")
    return found


def _state(report: Report, dates: _Dates) -> dict[str, Any]:
    damage = report.damage
    procedures: dict[str, Any] = {}
    if not report.certificate.cancelled:
        procedures["numero_immatriculation_au_format_fni"] = (
            report.register is Register.FNI and report.siv_conversion is None
        )
    dates.put(procedures, "date_derniere_procedure_ve", damage.last_claim, _DAMAGE)
    dates.put(
        procedures, "date_fin_derniere_procedure_ve", damage.last_resolution, _DAMAGE
    )
    _put(procedures, "apte_a_circuler", damage.fit_to_drive)
    _put(procedures, "nombre_de_procedures_ve", damage.claim_count)
    _put(procedures, "procedure_ve_en_cours", damage.running)
    state: dict[str, Any] = {}
    _put(state, "nombre_de_titulaires", report.holder_count)
    _put(state, "vole", report.vehicle_stolen)
    state["procedures_ve"] = procedures
    state["vehicule_a_usage_agricole"] = "AGR" in report.usages
    state["vehicule_a_usage_de_collection"] = "COL" in report.usages
    return state


def _history(report: Report, dates: _Dates) -> list[dict[str, Any]]:
    history = []
    for place, operation in enumerate(report.operations):
        path = f"/vehicule/historique/{place}"
        entry: dict[str, Any] = {}
        dates.put(entry, "date", operation.date, path)
        entry["type"] = operation.code
        dates.put(entry, "date_annulation", operation.cancelled_on, path)
        history.append(entry)
    return history


def _import(report: Report, dates: _Dates) -> dict[str, Any]:
    imported = report.imported
    path = "/vehicule/import_en_france"
    found: dict[str, Any] = {}
    _put(found, "vehicule_importe_depuis_etranger", imported.imported)
    dates.put(found, "date_import", imported.date, path)
    dates.put(
        found,
        "date_premiere_immatriculation_etranger",
        imported.first_registration_abroad,
        path,
    )
    return found


def _situation(report: Report, dates: _Dates) -> dict[str, Any]:
    suspensions = []
    for place, suspension in enumerate(report.suspensions):
        entry: dict[str, Any] = {}
        dates.put(entry, "date", suspension.date, f"{_SITUATION}/suspensions/{place}")
        entry["motif"] = suspension.reason
        _put(entry, "remise_du_titre", suspension.document_surrendered)
        _put(entry, "retrait_du_titre", suspension.document_withdrawn)
        suspensions.append(entry)
    seizures = []
    for place, seizure in enumerate(report.seizures):
        entry = {}
        path = f"{_SITUATION}/declarations_valant_saisie/{place}"
        dates.put(entry, "date", seizure.date, path)
        _put(entry, "nom_personne_morale", seizure.authority)
        seizures.append(entry)
    pledges = []
    for place, pledge in enumerate(report.pledges):
        entry = {}
        dates.put(entry, "date", pledge.date, f"{_SITUATION}/gages/{place}")
        _put(entry, "nom_creancier", pledge.creditor)
        pledges.append(entry)
    return {
        "suspensions": suspensions,
        "declarations_valant_saisie": seizures,
        "gages": pledges,
        "opposition": {
            kind: _oppositions(
                (o for o in report.oppositions if o.kind == kind),
                dates,
                f"{_SITUATION}/opposition/{kind}",
            )
            for kind in _OPPOSITIONS
        },
    }


def _oppositions(
    oppositions: Iterable[ShownOpposition], dates: _Dates, path: str
) -> list[dict[str, Any]]:
    entries = []
    for place, opposition in enumerate(oppositions):
        entry: dict[str, Any] = {}
        dates.put(entry, "date", opposition.date, f"{path}/{place}")
        entries.append(entry)
    return entries


def _inspections(found: ShownInspections, dates: _Dates) -> dict[str, Any]:
    """An empty list is one of a source that knows of none, or of a vehicle that is not
    subject; what is not available has its reason, in words for people."""
    if found.absence in (Absence.NOT_AVAILABLE, Absence.NOT_CONNECTED):
        _badge, meaning = labels.ABSENCES[found.absence]
        return {"donnee_disponible": False, "erreur": meaning}
    told: dict[str, Any] = {"donnee_disponible": True}
    dates.put(told, "date_mise_a_jour", found.as_of, "/controles_techniques")
    told["historique"] = [
        _inspection(one, dates, f"{_INSPECTIONS}/{place}")
        for place, one in enumerate(found.listed)
    ]
    return told


def _inspection(one: ShownInspection, dates: _Dates, path: str) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    dates.put(entry, "date", one.date, path)
    entry["nature"] = one.nature
    _put(entry, "nature_libelle", labels.NATURES.get(one.nature))
    entry["resultat"] = one.result
    _put(entry, "resultat_libelle", labels.results(one.date.date).get(one.result))
    _put(entry, "km", one.mileage_km)
    return entry


def _conclusions(report: Report, dates: _Dates, *, inspections: bool) -> dict[str, Any]:
    """Return what the page concludes: verdicts, contradictions, labels and sources."""
    known = evidence(report)
    found = synthesis(known)
    told: dict[str, Any] = {
        "verdict": found.verdict.value,
        "alerts": [
            {
                "code": alert.code,
                "gravity": alert.gravity.value,
                "count": alert.count,
                "title": alerts.TEXTS[alert.code].title,
            }
            for alert in found.alerts
        ],
        "contradictions": found.contradictions,
        "labels": _labels(report),
        "sources": {"register": {"as_of": report.as_of}},
    }
    if inspections:
        told["sources"]["inspections"] = _source(report.inspections, dates)
        if report.inspections.absence is None:
            told["mileage"] = _mileage(known)
        if due := known.next_inspection:
            entry: dict[str, Any] = {"kind": due.kind.value}
            dates.put(entry, "by", due.by, "/histovet/next_inspection")
            told["next_inspection"] = entry
    return told


def _labels(report: Report) -> dict[str, Any]:
    """Return what each code in the document means, by what it is a code of."""
    vehicle = report.vehicle
    is_import = report.imported.imported is True
    return {
        "operations": {
            o.code: ", ".join(found)
            for o in report.operations
            if (found := labels.of_operation(o.code, is_import=is_import))
        },
        "suspensions": {
            s.reason: labels.SUSPENSIONS[s.reason]
            for s in report.suspensions
            if s.reason in labels.SUSPENSIONS
        },
        "vehicle": {
            name: label
            for name, attribute in _CODED
            if (code := getattr(vehicle, attribute))
            and (label := meanings.meaning(attribute, code))
        },
    }


def _source(found: ShownInspections, dates: _Dates) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if found.source is not None:
        told["source"] = found.source.value
    dates.put(told, "as_of", found.as_of, "/histovet/sources/inspections")
    if found.absence is not None:
        told["absent_because"] = found.absence.value
    return told


def _mileage(known: Evidence) -> dict[str, Any]:
    mileage = known.mileage
    told: dict[str, Any] = {
        "verdict": mileage.verdict.value,
        "reason": mileage.reason.value,
        "odd": [f"{_INSPECTIONS}/{place}" for place in known.places_of_odd_readings()],
    }
    _put(told, "km_a_year", mileage.km_a_year)
    return told


def _additions(report: Report, dates: _Dates) -> dict[str, Any]:
    """Return what the register knows and the ancestor has no place for."""
    added: dict[str, Any] = {
        "cancelled_operations": [
            f"/vehicule/historique/{place}"
            for place, operation in enumerate(report.operations)
            if operation.cancelled
        ],
        "procedures": [
            _procedure(procedure, dates, f"/histovet/procedures/{place}")
            for place, procedure in enumerate(report.damage.procedures)
        ],
    }
    others: list[dict[str, Any]] = []
    for opposition in report.oppositions:
        if opposition.kind not in _OPPOSITIONS:
            entry: dict[str, Any] = {"kind": opposition.kind}
            path = f"/histovet/other_oppositions/{len(others)}"
            dates.put(entry, "date", opposition.date, path)
            others.append(entry)
    added["other_oppositions"] = others
    _put(added, "leased", report.certificate.leased)
    origin: dict[str, Any] = {}
    _put(origin, "code", report.imported.origin_code)
    _put(origin, "name", report.imported.origin_name)
    if origin:
        added["origin"] = origin
    added["tenures"] = [
        _tenure(tenure, f"/vehicule/historique/{place}")
        for place, tenure in tenures(report).items()
    ]
    found = sticker(report)
    is_named = isinstance(found, Sticker)
    added["critair"] = {"sticker" if is_named else "unknown_because": found.value}
    return added


def _tenure(tenure: Tenure, begins_with: str) -> dict[str, Any]:
    found: dict[str, Any] = {"begins_with": begins_with, "current": tenure.is_current}
    _put(found, "rank", tenure.rank)
    _put(found, "months", tenure.months)
    return found


def _procedure(procedure: ShownProcedure, dates: _Dates, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    _put(found, "running", procedure.running)
    for name, step in (
        ("declaration", procedure.declaration),
        ("first_report", procedure.first_report),
        ("second_report", procedure.second_report),
    ):
        if step is not None:
            found[name] = _step(step, dates, f"{path}/{name}")
    return found


def _step(step: ShownStep, dates: _Dates, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    dates.put(found, "date", step.date, path)
    _put(found, "dangerous", step.dangerous)
    _put(found, "repairable", step.repairable)
    return found


def _put(target: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        target[name] = value
