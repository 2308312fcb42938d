"""What the watch of a process knows → what anyone may read of it. Pure.

Never a host, a version or a reason in the words of /readyz: what works, what does not,
and what to do meanwhile.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from histovet.operation.reasons import Reason

# Without these no report is shown.
_NO_REPORTS = frozenset(
    (
        Reason.STARTING,
        Reason.DATABASE_UNREACHABLE,
        Reason.DATABASE_OF_ANOTHER_VERSION,
        Reason.NO_ACTIVE_RELEASE,
        Reason.RELEASE_UNREADABLE,
    )
)


class State(enum.StrEnum):
    """The tone of its badge."""

    WORKS = "good"
    PARTLY = "warn"
    OUT = "grave"


class Inspections(enum.Enum):
    """Where they come from; PAUSED: UTAC failed lately and is left alone."""

    OF_REGISTER = enum.auto()
    OF_UTAC = enum.auto()
    PAUSED = enum.auto()


class Documents(enum.Enum):
    """NOT_OFFERED: nobody was ever named who signs."""

    SIGNED = enum.auto()
    NOT_OFFERED = enum.auto()
    NOBODY_SIGNS = enum.auto()


@dataclass(frozen=True)
class Part:
    name: str
    state: State
    told: str

    @property
    def said(self) -> str:
        match self.state:
            case State.WORKS:
                return gettext("Fonctionne")
            case State.PARTLY:
                return gettext("En partie")
        return gettext("Ne fonctionne pas")


@dataclass(frozen=True)
class Status:
    """`advice` is what to do meanwhile, empty when all works."""

    state: State
    parts: tuple[Part, ...]
    advice: tuple[str, ...]


def status(
    reasons: Collection[Reason],
    as_of: dt.date | None,
    today: dt.date,
    inspections: Inspections,
    documents: Documents,
) -> Status:
    """A maintenance is told apart: it closes all of it."""
    is_out = not _NO_REPORTS.isdisjoint(reasons)
    parts = (
        _pages(),
        _reports(
            as_of,
            today,
            is_out=is_out,
            is_old=Reason.RELEASE_TOO_OLD in reasons,
        ),
        _links(is_out=is_out, is_clock_wrong=Reason.CLOCK_WRONG in reasons),
        _inspections(inspections, is_out=is_out),
        *_documents(documents, is_out=is_out),
    )
    states = {part.state for part in parts}
    whole = State.WORKS
    if is_out:
        whole = State.OUT
    elif states != {State.WORKS}:
        whole = State.PARTLY
    return Status(whole, parts, _advice(is_out, inspections, documents))


def _pages() -> Part:
    # Who reads this is being answered.
    told = gettext("Cette page et l’aide s’affichent.")
    return Part(gettext("Les pages"), State.WORKS, told)


def _reports(
    as_of: dt.date | None, today: dt.date, *, is_out: bool, is_old: bool
) -> Part:
    name = gettext("Le registre et les rapports")
    if is_out or as_of is None:
        told = gettext("Aucun rapport ne s’affiche en ce moment.")
        return Part(name, State.OUT, told)
    days = max(0, (today - as_of).days)
    told = ngettext(
        "Les données ont %(days)d jour.", "Les données ont %(days)d jours.", days
    ) % {"days": days}
    if days == 0:
        told = gettext("Les données sont d’aujourd’hui.")
    if is_old:
        more = gettext(
            "C’est plus que d’ordinaire : les derniers changements manquent."
        )
        return Part(name, State.PARTLY, f"{told} {more}")
    return Part(name, State.WORKS, told)


def _links(*, is_out: bool, is_clock_wrong: bool) -> Part:
    name = gettext("Les liens et l’interface des partenaires")
    if is_out:
        told = gettext("Un lien ne s’ouvre pas en ce moment ; il n’est pas perdu.")
        return Part(name, State.OUT, told)
    if is_clock_wrong:
        told = gettext("Un lien peut prendre fin plus tôt ou plus tard que prévu.")
        return Part(name, State.PARTLY, told)
    return Part(name, State.WORKS, gettext("Les liens se créent et s’ouvrent."))


def _inspections(inspections: Inspections, *, is_out: bool) -> Part:
    name = gettext("Les contrôles techniques")
    if is_out:
        return Part(name, State.OUT, _with_reports())
    if inspections is Inspections.PAUSED:
        told = gettext(
            "L’UTAC, qui les tient, ne répond pas. Le rapport s’affiche sans eux, et le dit."
        )
        return Part(name, State.PARTLY, told)
    if inspections is Inspections.OF_UTAC:
        told = gettext("Ils sont demandés à l’UTAC, qui les tient.")
    else:
        told = gettext("Ils arrivent avec le registre.")
    return Part(name, State.WORKS, told)


def _documents(documents: Documents, *, is_out: bool) -> tuple[Part, ...]:
    name = gettext("Les documents signés")
    if documents is Documents.NOT_OFFERED:
        return ()
    if documents is Documents.NOBODY_SIGNS:
        told = gettext(
            "Aucun PDF n’est signé en ce moment. Les rapports se lisent à l’écran."
        )
        return (Part(name, State.OUT, told),)
    if is_out:
        return (Part(name, State.OUT, _with_reports()),)
    told = gettext("Les rapports se prennent en PDF signé.")
    return (Part(name, State.WORKS, told),)


def _with_reports() -> str:
    return gettext("Ils reviendront avec les rapports.")


def _advice(
    is_out: bool, inspections: Inspections, documents: Documents
) -> tuple[str, ...]:
    found = []
    if is_out:
        found += [
            gettext(
                "Revenez dans quelques minutes : rien de ce que vous avez n’est perdu."
            ),
            gettext(
                "Un lien reste valable jusqu’à sa date. Gardez-le, il s’ouvrira ensuite."
            ),
            gettext(
                "Si la vente ne peut pas attendre, France Titres (ANTS) répond au 34 00."
            ),
        ]
    if inspections is Inspections.PAUSED and not is_out:
        found.append(
            gettext(
                "Demandez au vendeur le procès-verbal du dernier contrôle technique : le "
                "kilométrage y est."
            )
        )
    if documents is Documents.NOBODY_SIGNS and not is_out:
        found.append(
            gettext(
                "Partagez un lien plutôt qu’un PDF : il montre toujours le rapport du jour."
            )
        )
    return tuple(found)
