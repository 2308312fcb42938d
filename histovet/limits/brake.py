"""When many tries find nothing, an answer costs the one who asks some work or a wait.

Source: docs/guessing.md.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpRequest

from histovet.limits import proof_of_work, tickets
from histovet.limits.clients import is_calm
from histovet.limits.errors import ProofRefused, TicketRefused, TicketUnripe
from histovet.limits.tickets import Ticket

# What the form sends with the rest: the first is the name that altcha gives it.
PROOF_FIELD, TICKET_FIELD = "altcha", "ticket"


@dataclass(frozen=True, slots=True)
class Demand:
    """What the page asks of a browser before the next answer.

    `challenge` is for its script, empty when it has `proof` already; `ticket` is empty
    when another page of the same network waits with one. `is_first` when nothing else
    is answered.
    """

    challenge: str
    ticket: str
    wait_seconds: int = 0
    wait_minutes: int = tickets.LIFE_SECONDS // 60
    proof: str = ""
    is_first: bool = False


def hold(request: HttpRequest, purpose: str, now: dt.datetime) -> Demand | None:
    """Return what is asked before this request is answered, None when nothing is.

    The proof or the ticket that it brought is then spent.
    """
    if is_calm(request, purpose, now):
        return None
    proof, ticket = _brought(request)
    if proof and _is_spent(proof, ticket, request, purpose, now):
        return None
    waiting = None
    try:
        if ticket:
            tickets.spend(ticket, request, purpose, now)
            return None
    except TicketUnripe as unripe:
        waiting = Ticket(ticket, unripe.wait_seconds)
    except TicketRefused:
        # Whatever was wrong with it, another is asked for.
        pass
    return _demand(request, purpose, now, waiting, is_first=True)


def next_demand(request: HttpRequest, purpose: str, now: dt.datetime) -> Demand | None:
    """Return what the next try will be asked, so that its page can begin at once."""
    if is_calm(request, purpose, now):
        return None
    return _demand(request, purpose, now, None, is_first=False)


def kept(request: HttpRequest) -> Demand | None:
    """Return what an unanswered form brought, for the form that is shown again."""
    proof, ticket = _brought(request)
    return Demand("", ticket, proof=proof) if proof or ticket else None


def _brought(request: HttpRequest) -> tuple[str, str]:
    return (
        request.POST.get(PROOF_FIELD, "")[: proof_of_work.PAYLOAD_MAX + 1],
        request.POST.get(TICKET_FIELD, "")[: tickets.TEXT_MAX + 1],
    )


def _is_spent(
    proof: str, ticket: str, request: HttpRequest, purpose: str, now: dt.datetime
) -> bool:
    try:
        proof_of_work.spend(proof, purpose, now)
    except ProofRefused:
        return False
    try:
        # A page has both, since the site does not know which one it can use.
        if ticket:
            tickets.give_back(ticket, request, purpose, now)
    except TicketRefused:
        # The proof is enough.
        pass
    return True


def _demand(
    request: HttpRequest,
    purpose: str,
    now: dt.datetime,
    waiting: Ticket | None,
    *,
    is_first: bool,
) -> Demand:
    ticket = waiting or tickets.give(request, purpose, now)
    return Demand(
        proof_of_work.challenge(purpose, now),
        ticket.text if ticket else "",
        ticket.wait_seconds if ticket else 0,
        is_first=is_first,
    )
