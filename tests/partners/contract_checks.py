"""Loaded by schemathesis beside its own checks: its check that what the document permits
is accepted takes a 400 too, and this one says for what."""

import schemathesis

# A check character, a calendar and a length without separators are beyond JSON Schema.
UNSAID_BY_A_SCHEMA = {
    *("code_unreadable", "date_unreadable", "date_impossible"),
    # The forms of the site take no NUL.
    "null_characters_not_allowed",
    # Counted without separators.
    *("plate_too_long", "formula_number_too_long", "formula_number_missing"),
}


@schemathesis.check
def refused_only_for_what_a_schema_cannot_say(ctx, response, case):
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    codes = {error["code"] for error in response.json()["errors"]}
    assert codes, "refused without saying for what"
    assert codes <= UNSAID_BY_A_SCHEMA, codes
