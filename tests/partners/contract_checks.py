"""Loaded by schemathesis beside its own checks: its check that what the document permits
is accepted takes a 400 too, and this one says for what."""

import calendar
import re

import schemathesis

from histovet.history.forms import TEXT_MAX
from tests.partners.shapes import at

_WORD = re.compile("[^\\W\\d_]{3}")


def is_beyond_a_schema(code, value):
    """Tell whether JSON Schema has no way to forbid this value of a field."""
    match code:
        case "code_unreadable":
            # 27 characters, as the pattern wants: the last of them checks the others.
            return True
        case "date_impossible":
            return not _is_in_calendar(value)
        case "date_unreadable":
            # The names of months, in any case, with accents or without.
            return bool(_WORD.search(value))
        case "max_length":
            # A sum of lengths.
            return isinstance(value, list) and len(" ".join(value)) > TEXT_MAX
    return False


def _is_in_calendar(text):
    text = text.strip()
    if re.fullmatch("[0-9]{8}", text):
        text = f"{text[:2]}/{text[2:4]}/{text[4:]}"
    numbers = [int(number) for number in re.findall("[0-9]+", text)]
    if re.match("[0-9]{4}", text):
        year, month, day = numbers[:3]
    elif len(numbers) == 2:
        # The month has a name; every month has 28 days.
        return numbers[0] <= 28
    else:
        day, month, year = numbers
    return day <= calendar.monthrange(year, month)[1]


@schemathesis.check
def refused_only_for_what_a_schema_cannot_say(ctx, response, case):
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    errors = response.json()["errors"]
    assert errors, "refused without saying for what"
    for error in errors:
        value = at(case.body, error["field"])
        assert is_beyond_a_schema(error["code"], value), (error, value)
