"""Words for what the trail holds as codes."""

from django.utils.translation import gettext as _

from histovet.audit.models import ActorKind
from histovet.partners.models import Scope


def act(code: str) -> str:
    return {
        "partner.issue": _("Clé créée"),
        "partner.rotate": _("Clé renouvelée"),
        "partner.suspend": _("Clé suspendue"),
        "partner.resume": _("Clé rétablie"),
        "partner.end": _("Clé terminée"),
        "maintenance.begin": _("Site fermé"),
        "maintenance.end": _("Site rouvert"),
        "operator.add": _("Compte créé"),
        "operator.reset": _("Compte réinitialisé"),
        "operator.suspend": _("Compte suspendu"),
        "operator.resume": _("Compte rétabli"),
        "operator.enrol": _("Compte activé"),
        "operator.password": _("Mot de passe changé"),
        "operator.recovery": _("Codes de secours renouvelés"),
        "operator.sign_in": _("Connexion"),
        "operator.sign_out": _("Déconnexion"),
        "operator.confirm": _("Confirmation"),
    }.get(code, code)


def result(code: str) -> str:
    return {
        "done": _("fait"),
        "refused": _("refusé"),
        "key_changed": _("refusé : ligne modifiée"),
        "key_ended": _("refusé : clé finie"),
    }.get(code, code)


def actor_kind(code: str) -> str:
    return {
        ActorKind.OPERATOR: _("exploitant"),
        ActorKind.COMMAND: _("commande"),
        ActorKind.SITE: _("le site"),
    }.get(ActorKind(code), code)


def key_state(code: str) -> str:
    return {
        "live": _("active"),
        "suspended": _("suspendue"),
        "expired": _("terminée"),
        "changed": _("modifiée"),
    }.get(code, code)


def release_state(code: str) -> str:
    return {
        "building": _("en cours"),
        "active": _("active"),
        "previous": _("précédente"),
        "retired": _("à supprimer"),
        "dropped": _("supprimée"),
        "failed": _("échouée"),
    }.get(code, code)


def purpose(code: str) -> str:
    return {
        "seller": _("Recherches d’un vendeur"),
        "opening": _("Ouvertures d’un lien ou d’un code"),
        "car": _("Comparaisons avec la voiture"),
    }.get(code, code)


def scope(code: str) -> str:
    return {
        Scope.REPORT_BY_CODE: _("rapport, avec le code du vendeur"),
        Scope.REPORT_BY_DATA: _("rapport, avec les données du titulaire"),
        Scope.LISTING_CHECK: _("annonce comparée, avec le code du vendeur"),
        Scope.LINK_STATUS: _("vie d’un code déjà ouvert"),
    }.get(Scope(code), code)
