"""An answer to a challenge of ours, good for one purpose, ten minutes and one time."""

import base64
import datetime as dt
import json
import threading

import altcha
import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from histovet.limits import proof_of_work
from histovet.limits.errors import ProofRefused
from tests.limits.work import solved

pytestmark = pytest.mark.django_db

# Of the second, as the expiry is; altcha reads the clock itself.
NOW = timezone.now().replace(microsecond=0)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    cache.clear()


@pytest.fixture(scope="module")
def challenge():
    return proof_of_work.challenge("seller", NOW)


@pytest.fixture(scope="module")
def payload(challenge):
    return solved(challenge)


def refused(payload, purpose="seller", now=NOW):
    with pytest.raises(ProofRefused) as caught:
        proof_of_work.spend(payload, purpose, now)
    return caught.value.code


def changed(payload, change):
    content = json.loads(base64.b64decode(payload))
    change(content)
    return base64.b64encode(json.dumps(content).encode()).decode()


def test_an_answer_is_good_once(payload):
    proof_of_work.spend(payload, "seller", NOW)
    assert refused(payload) == "used"
    # Nor written otherwise: what is remembered is what the site signed.
    again = changed(payload, lambda content: content["solution"].update(time=1))
    assert again != payload
    assert refused(again) == "used"


def test_an_answer_is_good_until_the_challenge_is_over(payload):
    life = dt.timedelta(seconds=proof_of_work.LIFE_SECONDS)
    assert refused(payload, now=NOW + life) == "expired"
    proof_of_work.spend(payload, "seller", NOW + life - SECOND)


def test_a_replay_is_remembered_for_longer_than_the_answer_is_good(payload):
    proof_of_work.spend(payload, "seller", NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(extract(epoch FROM expires_at - now())) FROM limits_counter"
        )
        (left,) = cursor.fetchone()
    assert left > proof_of_work.LIFE_SECONDS


def test_an_answer_of_yesterday_is_refused():
    made = proof_of_work.challenge("seller", NOW - dt.timedelta(days=1))
    assert refused(solved(made)) == "expired"


def test_an_answer_for_another_purpose_is_refused(payload):
    assert refused(payload, purpose="car") == "purpose"
    # And is not spent by it.
    proof_of_work.spend(payload, "seller", NOW)


def test_a_challenge_that_somebody_else_signed_is_refused():
    theirs = altcha.create_challenge(
        "PBKDF2/SHA-256",
        1,
        counter=1,
        expires_at=int(NOW.timestamp()) + 600,
        data={"purpose": "seller"},
        hmac_secret=b"a key of theirs",
        hmac_key_secret=b"another",
    )
    assert refused(solved(json.dumps(theirs.to_dict()))) == "signature"


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["challenge"]["parameters"].update(expiresAt=2**33),
        lambda c: c["challenge"]["parameters"].update(expiresAt=None),
        lambda c: c["challenge"]["parameters"].update(data={"purpose": "car"}),
        lambda c: c["challenge"]["parameters"].update(cost=1),
        lambda c: c["challenge"]["parameters"].update(keyPrefix=""),
        lambda c: c["challenge"]["parameters"].pop("keySignature"),
        lambda c: c["challenge"].pop("signature"),
        lambda c: c["challenge"].update(signature=1),
    ],
)
def test_a_challenge_that_was_changed_is_refused(payload, change):
    assert refused(changed(payload, change)) == "signature"


@pytest.mark.parametrize("key", ["", "00" * 32, "zz", 7, None, "0" * 63])
def test_a_wrong_solution_is_refused(payload, key):
    wrong = changed(payload, lambda c: c["solution"].update(derivedKey=key))
    assert refused(wrong) == "solution"


def test_the_prefix_that_the_page_shows_is_no_solution(payload):
    def guess(content):
        prefix = content["challenge"]["parameters"]["keyPrefix"]
        content["solution"]["derivedKey"] = prefix + "00" * 16

    assert refused(changed(payload, guess)) == "solution"


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "x",
        "é",
        "e30=",
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(b'{"challenge": [], "solution": {}}').decode(),
        base64.b64encode(b'{"challenge": {"parameters": "x"}}').decode(),
        base64.b64encode(b"[" * 2500).decode(),
        base64.b64encode(b"1" * 2900).decode(),
        "A" * 4001,
        base64.b64encode(b"\xff\xfe").decode(),
    ],
)
def test_what_is_no_answer_is_refused(payload):
    assert refused(payload) == "unreadable"


@pytest.mark.django_db(transaction=True)
def test_of_many_replays_at_once_one_is_taken(payload):
    outcomes = []
    begin = threading.Barrier(8)

    def replay():
        try:
            begin.wait()
            proof_of_work.spend(payload, "seller", NOW)
        except ProofRefused as refusal:
            outcomes.append(refusal.code)
        else:
            outcomes.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=replay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["taken"] + ["used"] * 7


def test_what_a_challenge_tells(challenge):
    """Neither who asks nor what: it goes to a page, and comes back by any browser."""
    parameters = json.loads(challenge)["parameters"]
    assert parameters["data"] == {"purpose": "seller"}
    assert parameters["algorithm"] == "PBKDF2/SHA-256"
    assert set(parameters) == {
        *("algorithm", "cost", "keyLength", "keyPrefix", "keySignature"),
        *("nonce", "salt", "expiresAt", "data"),
    }
