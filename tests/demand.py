"""What a form holds → what a partner sends, in the ancestor's shape."""

from typing import Any


def demand(typed: dict[str, str]) -> dict[str, Any]:
    if typed["holder_kind"] == "company":
        holder: dict[str, Any] = {
            "personne_morale": {
                "raison_sociale": typed["company_name"],
                **({"siren": typed["siren"]} if typed["siren"] else {}),
            }
        }
    else:
        given = [typed["given_names"]] if typed["given_names"] else [""]
        holder = {"particulier": {"nom": typed["family_name"], "prenoms": given}}
    certificate = {"titulaire": holder, "numero_immatriculation": typed["plate"]}
    if typed["register"] == "SIV":
        certificate["numero_formule"] = typed["formula_number"]
    else:
        day, month, year = typed["issue_date"].split("/")
        certificate["date_emission_certificat_immatriculation"] = (
            f"{year}-{month}-{day}"
        )
    return {"vehicule": {"certificat_immatriculation": certificate}}
