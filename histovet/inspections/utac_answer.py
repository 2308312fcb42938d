"""What UTAC answered → inspections, or a refusal of the whole. Pure.

One part that cannot be true makes the rest doubtful: nothing of it is shown. Source of
the rules: docs/inspections.md.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from histovet.inspections.errors import AnswerRefused, UtacFailed
from pseudonymizer.records import INSPECTIONS_MAX, Inspection, Inspections

_DATE = re.compile("([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})")

_Date = Annotated[str, Meta(pattern=f"^{_DATE.pattern}$", max_length=10)]
_Time = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$")]
_Short = Annotated[str, Meta(max_length=64)]
_Whole = Annotated[int, Meta(ge=0, le=2**53)]
_Mileage = Annotated[int, Meta(ge=0, le=9_999_999)]


class _Entry(Struct, frozen=True):
    ct_id: _Whole
    ct_date: _Date
    ct_nature: Literal["VTP", "VTC", "CV", "CVC"]
    ct_resultat: Literal["A", "AP", "S", "SP", "R", "RP", "X"]
    ct_km: _Mileage
    ct_deb: _Time | None = None
    ct_fin: _Time | None = None
    ct_centre: _Short | None = None
    ct_immat: _Short | None = None
    ct_pv: _Short | None = None
    ct_vin: _Short | None = None


class _Answer(Struct, frozen=True):
    status: Literal[200]
    update_date: _Date
    ct: Annotated[list[_Entry], Meta(max_length=INSPECTIONS_MAX)]


_decoder = msgspec.json.Decoder(_Answer)


def read_answer(body: bytes, *, vin: str, today: dt.date) -> Inspections:
    """Return the inspections, newest first, as of the day that the answer gives.

    Plates may differ: a vehicle keeps its VIN when it is given another plate. Raises
    AnswerRefused, and UtacFailed for what is no JSON.
    """
    # Without the cause, which would quote what was answered.
    try:
        answer = _decoder.decode(body)
    except msgspec.ValidationError:
        raise AnswerRefused("shape") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UtacFailed("no_json") from None
    if any(entry.ct_vin not in (None, vin) for entry in answer.ct):
        raise AnswerRefused("other_vehicle")
    dated = sorted(
        ((_past_day(entry.ct_date, today), entry.ct_id, entry) for entry in answer.ct),
        key=lambda known: known[:2],
        reverse=True,
    )
    return Inspections(
        tuple(
            # A vehicle without an odometer has zero.
            Inspection(day, entry.ct_nature, entry.ct_resultat, entry.ct_km or None)
            for day, _, entry in dated
        ),
        _past_day(answer.update_date, today),
    )


def _past_day(text: str, today: dt.date) -> dt.date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise AnswerRefused("shape")
    day, month, year = map(int, match.groups())
    try:
        date = dt.date(year, month, day)
    except ValueError:
        raise AnswerRefused("impossible_date") from None
    if date > today:
        raise AnswerRefused("future_date")
    return date
