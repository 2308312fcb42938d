"""That a partner asked about a link: a number for both sides to name it by.

The partner finds it in its answer, the owner in the list of links.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass

from histovet.sharing.models import Receipt
from pseudonymizer.normalise import PARIS

# 50 bits: of the openings of one link no two will be told alike.
_BYTES = 7
NUMBER_LENGTH = 10


@dataclass(frozen=True, slots=True)
class ByPartner:
    """Who opens through the API. `folded_name` is the same however `name` is spelled."""

    name: str
    folded_name: str


def new_number(random: Callable[[int], bytes] = os.urandom) -> str:
    """Return ten letters and digits, hyphened in the middle, that nobody can foresee."""
    drawn = base64.b32encode(random(_BYTES)).decode("ascii")[:NUMBER_LENGTH]
    half = NUMBER_LENGTH // 2
    return f"{drawn[:half]}-{drawn[half:]}"


def leave_of_advert(public_id: bytes, partner: ByPartner, now: dt.datetime) -> str:
    """Return the number under which the owner sees that an advert was compared."""
    number = new_number()
    Receipt.objects.create(
        link_id=public_id,
        number=number,
        day=now.astimezone(PARIS).date(),
        partner=partner.name,
        folded_partner=partner.folded_name,
        of_advert=True,
    )
    return number


def has_asked(public_id: bytes, partner: ByPartner) -> bool:
    """Tell whether this partner, with any of its keys, has had the link's report or an
    advert compared with it."""
    return Receipt.objects.filter(
        link_id=public_id, folded_partner=partner.folded_name
    ).exists()
