"""Demands in the ancestor's shape for the vehicles of tests/partners/register.py."""

import copy
from dataclasses import dataclass
from typing import Any

from histovet.sharing import codes, models
from histovet.sharing.codes import Kind
from pseudonymizer.envelope import link_id
from pseudonymizer.records import Identity


def _demand(holder: dict[str, Any], plate: str, **proof: str) -> dict[str, Any]:
    certificate = {"titulaire": holder, "numero_immatriculation": plate, **proof}
    return {"vehicule": {"certificat_immatriculation": certificate}}


FULL = _demand(
    {"particulier": {"nom": "LEMOINE", "prenoms": ["CAMILLE", "ANNE"]}},
    "AB-123-CD",
    numero_formule="2019AB12345",
)
FNI = _demand(
    {"particulier": {"nom": "LEMOINE CAMILLE", "prenoms": [""]}},
    "123 ABC 75",
    date_emission_certificat_immatriculation="2008-03-06",
)
COMPANY = _demand(
    {"personne_morale": {"raison_sociale": "GARAGE DU PONT", "siren": "123456789"}},
    "EE-001-FF",
    numero_formule="2015ZZ00001",
)
CANCELLED = _demand(
    {"particulier": {"nom": "OUBLIE", "prenoms": ["JEAN"]}},
    "GG-002-HH",
    numero_formule="2011YY00002",
)


@dataclass(frozen=True)
class Link:
    """A link to a vehicle, or to none, and the demand that sends its code."""

    identity: Identity | None
    secret: bytes

    @property
    def code(self) -> str:
        return codes.encode(self.secret, Kind.LINK)

    @property
    def demand(self) -> dict[str, Any]:
        return by_code(self.code)

    @property
    def row(self) -> models.Link:
        return models.Link.objects.get(pk=link_id(self.secret))


def by_code(code: str) -> dict[str, Any]:
    return {"vehicule": {"code": code}}


NO_LINK = Link(None, bytes(range(100, 116)))

CERTIFICATE = "/vehicule/certificat_immatriculation"


def changed(demand: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """Return a copy with the value at a JSON Pointer replaced; ... removes it."""
    copied = copy.deepcopy(demand)
    *parents, last = pointer.strip("/").split("/")
    place = copied
    for name in parents:
        place = place.setdefault(name, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copied
