"""Demands in the ancestor's shape for the vehicles of tests/partners/register.py."""

import copy
from typing import Any


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
