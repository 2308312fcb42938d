"""The rates of docs/matching.md: make proofs ONLY=matching."""

import random
from collections import Counter

import pytest

from histovet.history.forms import IdentityForm
from histovet.history.retrieve import retrieve
from tests import extract, slips
from tests.proofs import figures
from tests.publish import publish

STRANGERS = 20_000

pytestmark = pytest.mark.proof


def test_matching(transactional_db):
    publish(extract.folder())
    certificates = extract.printed()
    rng = random.Random(2026)

    def found(typed):
        form = IdentityForm(typed)
        return form.is_valid() and retrieve(form.enquiry) is not None

    tried, hit = Counter(), Counter()
    for one in certificates:
        for rule in slips.RULES:
            for typed in rule(one, rng):
                tried[rule.__name__] += 1
                hit[rule.__name__] += found(typed)
    # Places in the extract, not names: the file of a proof is kept.
    place = {id(one): number for number, one in enumerate(certificates)}
    strangers = [
        place[id(one)]
        for one, typed in slips.strangers(certificates, STRANGERS, rng)
        if found(typed)
    ]
    apart = {
        f"same {same}": sum(
            found(typed)
            for _, typed in slips.half_strangers(
                certificates, STRANGERS, rng, same=same
            )
        )
        for same in ("family_name", "given_names")
    }
    rate = hit.total() / tried.total()
    figures.write(
        "matching",
        {
            "slips": tried.total(),
            "found": hit.total(),
            "rate": round(rate, 4),
            "by rule": {
                rule: {"slips": tried[rule], "found": hit[rule]} for rule in tried
            },
            "strangers": STRANGERS,
            "strangers found": len(strangers),
            "at lines of the extract": strangers,
            f"of {STRANGERS} each": apart,
        },
    )
    assert tried.total() >= 2000
    assert rate >= 0.97
    # Each rule by itself too: thousands of easy slips must not hide a broken rule.
    missed = {rule: tried[rule] - hit[rule] for rule in tried}
    assert {
        rule: count
        for rule, count in missed.items()
        if count > max(2, 0.05 * tried[rule])
    } == {}
    assert len(strangers) <= 2
    assert apart["same family_name"] <= 0.02 * STRANGERS
    assert apart["same given_names"] <= 0.005 * STRANGERS
