"""Is this the car? The comparison, what is told, and how often."""

import datetime as dt
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from histovet.cookies import SealedCookie
from histovet.history.vin_end import typed_vin
from histovet.logs import LineFormatter
from histovet.sharing import addresses, codes, tries
from histovet.sharing import links as acts
from histovet.sharing.car_check import is_plate_of, recorded_vin
from histovet.sharing.codes import Kind
from histovet.sharing.models import (
    CHECKS_PER_LINK,
    CHECKS_PER_OPENING,
    Check,
    End,
    Link,
    Scope,
)
from histovet.sharing.tries import Answer
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from pseudonymizer.normalise import fni_identity, siv_identity
from tests import dump

OWNER = bytes(range(16))
OPENING = bytes(range(8))
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)

WHOLE = "VF1RFB00X12345678"
MASKED = "VF1B********12345"
RIGHT = "VF1BXXXXXXXX12345"
WRONG = "VF1BXXXXXXXX12346"


@pytest.mark.parametrize(
    ("recorded", "compared", "length"),
    [
        (WHOLE, 17, 17),
        (MASKED, 9, 17),
        ("vf1b********12345", 9, 17),
        ("VF1 B*** ***** 12345", 9, 17),
        ("12345", 5, 5),
        ("1*2*3*4*5", 5, 9),
    ],
)
def test_what_can_be_compared_of_a_recorded_vin(recorded, compared, length):
    found = recorded_vin(recorded)
    assert (found.compared, found.length) == (compared, length)


@pytest.mark.parametrize("recorded", [None, "", "*" * 17, "1234", "VF1*************5"])
def test_too_little_of_a_vin_is_none(recorded):
    assert recorded_vin(recorded) is None


@pytest.mark.parametrize(
    ("recorded", "typed", "is_same"),
    [
        (WHOLE, "VF1RFB00X12345678", True),
        (WHOLE, " vf1-rfb 00x.1234\u00a05678 ", True),
        # No VIN has these letters.
        (WHOLE, "VFIRFBOQX12345678", True),
        (WHOLE, "VF1RFB00X12345679", False),
        (WHOLE, "VF1RFB0OX1234567B", False),
        (WHOLE, "VF1RFB00X1234567", False),
        (WHOLE, "VF1RFB00X123456780", False),
        ("VF1RFBOOX12345678", "VF1RFB00X12345678", True),
        (MASKED, RIGHT, True),
        (MASKED, "VF1B0000000012345", True),
        (MASKED, "VFIBxxxxxxxxi2345", True),
        (MASKED, WRONG, False),
        (MASKED, "VF1CXXXXXXXX12345", False),
        # A star is none of what is typed.
        (MASKED, MASKED, False),
        ("ABC12345", "abc 123 45", True),
        ("ABC12345", "ABC123456", False),
        ("ABC12345", "", False),
    ],
)
def test_a_typed_vin_is_compared_at_every_place_that_shows(recorded, typed, is_same):
    assert recorded_vin(recorded).is_that_of(typed_vin(typed)) is is_same


@pytest.mark.parametrize(
    ("recorded", "typed", "is_taken"),
    [
        (MASKED, "A" * 17, True),
        (MASKED, "A" * 16, False),
        (MASKED, "A" * 18, False),
        ("ABC12345", "A" * 8, True),
        # The length of an old number is for the car to tell.
        ("ABC12345", "A" * 17, True),
        ("ABC12345", "A", True),
        ("ABC12345", "", False),
        ("ABC12345", "A" * 26, False),
    ],
)
def test_a_text_of_another_length_than_17_is_no_vin(recorded, typed, is_taken):
    assert recorded_vin(recorded).takes(typed) is is_taken


SIV = siv_identity("AA-123-AA", "2015AB12345")
FNI = fni_identity("123 ABC 75", dt.date(2008, 3, 6))


@pytest.mark.parametrize(
    ("identity", "typed", "is_same"),
    [
        (SIV, "AA-123-AA", True),
        (SIV, "aa 123 aa", True),
        (SIV, "AA-I23-AA", True),
        (SIV, "AA-123-AB", False),
        (SIV, "AA-123", False),
        (SIV, "", False),
        (SIV, "-", False),
        (SIV, "A" * 99, False),
        (FNI, "123abc75", True),
        (FNI, "123 ABC 76", False),
    ],
)
def test_a_typed_plate_is_compared_as_the_register_writes_it(identity, typed, is_same):
    assert is_plate_of(identity, typed) is is_same


class Read:
    """A link, and a browser that reads it."""

    def __init__(self, secret, client=None):
        self.secret = secret
        self.public_id = link_id(secret)
        self.path = f"/r/{addresses.written(self.public_id)}"
        self.code = codes.encode(secret, Kind.LINK)
        self.client = client or Client()
        assert self.client.post(self.path, {"code": self.code}).status_code == 303

    def again(self):
        """Another browser, another opening."""
        return Read(self.secret)

    def check(self, language="fr", **typed):
        with translation.override(language):
            path = reverse("check_car", args=[addresses.written(self.public_id)])
        return self.client.post(path, typed)

    @property
    def counted(self):
        row = Link.objects.get(pk=self.public_id)
        return row.checks_failed, sorted(Check.objects.values_list("failed", flat=True))


def told(answer) -> list[str]:
    """Return the badges of what was answered."""
    assert answer.status_code == 200
    (said,) = re.findall(
        r'<div class="said" role="status">(.*?)</div>',
        answer.content.decode(),
        re.DOTALL,
    ) or [""]
    return re.findall(r'<span class="badge \w+">([^<]*)</span>', said)


def error_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(
        re.findall(r'<p class="error"[^>]*>([^<]*)', answer.content.decode())
    )


@pytest.fixture
def make(shown, republish):
    """Make a link to a vehicle of the register with this VIN, and open it."""

    def made(vin=MASKED, **terms):
        plate = shown["clean"].plate
        # The column of whole VINs goes before the facts.
        republish({plate: {"vin": "", "v": json.dumps({"vin": vin})}})
        identity = siv_identity(plate, shown["clean"].formula_number)
        now = terms.pop("now", timezone.now())
        life = terms.pop("life", 7 * DAY)
        opened = reading.read(identity)
        return Read(acts.create(identity, opened, OWNER, life=life, now=now, **terms))

    return made


@pytest.fixture
def plate(shown):
    return shown["clean"].plate


def test_the_report_asks_whether_this_is_the_car(make):
    page = make()
    report = page.client.get(page.path).content.decode()
    # In the head of the page, and in the row of the VIN, of which the end is not shown.
    assert report.count(f'href="{page.path}/verifier"') == 2
    (row,) = re.findall(r"<tr><td>E</td>.*?</tr>", report)
    assert f'href="{page.path}/verifier"' in row
    assert f"<td>{MASKED[:4]}{'•' * 13}<" in row
    text = page.client.get(page.path + "/verifier").content.decode()
    assert f'action="{page.path}/verifier"' in text
    assert f'href="{page.path}"' in text
    assert "9 caractères sur 17 comparés" in text
    for name in ("vin", "plate"):
        (field,) = re.findall(rf'<input [^>]*name="{name}"[^>]*>', text)
        assert 'autocomplete="off"' in field
        assert 'autocapitalize="characters"' in field
        assert 'spellcheck="false"' in field
        assert f'<label for="id_{name}">' in text


def test_the_answer_is_yes_or_no_and_says_how_much_was_compared(make, plate):
    page = make()
    for typed, answers in (
        ({"vin": RIGHT}, ["Oui"]),
        ({"vin": WRONG}, ["Non"]),
        ({"plate": plate.lower()}, ["Oui"]),
        ({"plate": "ZZ-999-ZZ"}, ["Non"]),
        ({"vin": RIGHT, "plate": "ZZ-999-ZZ"}, ["Oui", "Non"]),
    ):
        answer = page.check(**typed)
        assert told(answer) == answers
        assert answer.request["QUERY_STRING"] == ""
        if "vin" in typed:
            said = answer.content.decode().partition('role="status"')[2]
            assert "9 caractères sur 17 comparés" in said.partition("</div>")[0]
    assert page.counted == (3, [3])


def test_every_character_of_a_whole_vin_is_compared_though_the_page_masks_it(make):
    page = make(WHOLE)
    report = page.client.get(page.path + "/verifier").content.decode()
    assert "Tous ses caractères sont comparés" in report
    assert WHOLE not in report
    assert told(page.check(vin=WHOLE)) == ["Oui"]
    for place, character in enumerate(WHOLE[:4]):
        other = "9" if character != "9" else "8"
        page = page.again()
        assert told(page.check(vin=WHOLE[:place] + other + WHOLE[place + 1 :])) == [
            "Non"
        ]


def test_a_number_of_another_length_is_an_error_that_costs_nothing(make):
    page = make()
    for typed in ("VF1B", RIGHT + "6", "???"):
        answer = page.check(vin=typed)
        assert "17 caractères" in error_of(answer)
        assert told(answer) == []
    assert "Tapez" in error_of(page.check())
    assert "trop long" in error_of(page.check(plate="A" * 101))
    assert page.counted == (0, [])


def test_the_length_of_an_old_number_is_not_told(make):
    page = make("ABC12345")
    answers = [page.check(vin=typed) for typed in ("ABC1234", "A" * 17, "ABC123456")]
    assert [told(answer) for answer in answers] == [["Non"]] * 3
    for answer in answers:
        asked = answer.content.decode().partition('class="plate"')[2]
        asked, end, _ = asked.partition("</main>")
        assert end and not re.search(r"\b8\b", asked)
    assert told(page.check(vin="abc 123-45")) == ["Oui"]


@pytest.mark.parametrize("vin", ["", "*" * 17, "VF1*************5"])
def test_without_enough_of_a_vin_it_cannot_be_told(make, plate, vin):
    page = make(vin)
    text = page.client.get(page.path + "/verifier").content.decode()
    assert 'name="vin"' not in text
    assert "n’a pas assez du numéro de série" in text
    assert told(page.check(vin=RIGHT)) == ["Impossible à dire"]
    assert told(page.check(vin=RIGHT, plate=plate)) == ["Impossible à dire", "Oui"]
    assert page.counted == (0, [])


def test_a_link_without_details_compares_no_plate(make, plate):
    page = make(scope=Scope.WITHOUT_ADMINISTRATIVE_DETAILS)
    asked = page.client.get(page.path + "/verifier").content.decode()
    assert 'name="vin"' in asked and 'name="plate"' not in asked
    answers = [page.check(plate=plate), page.check(plate="ZZ-999-ZZ")]
    for answer in answers:
        assert told(answer) == []
        assert "La plaque ne se compare pas" in error_of(answer)
    assert told(page.check(vin=RIGHT, plate=plate)) == []
    assert page.counted == (0, [])
    assert told(page.check(vin=WRONG)) == ["Non"]


def test_with_neither_vin_nor_plate_there_is_no_form(make):
    page = make("", scope=Scope.WITHOUT_ADMINISTRATIVE_DETAILS)
    asked = page.client.get(page.path + "/verifier")
    assert asked.status_code == 200 and "<form" not in asked.content.decode()
    assert error_of(page.check()) == ""


def test_after_five_wrong_answers_an_opening_has_no_more(make, plate):
    page = make()
    for wrong in range(CHECKS_PER_OPENING):
        assert told(page.check(vin=RIGHT)) == ["Oui"], "a right one costs nothing"
        assert told(page.check(plate=f"ZZ-99{wrong}-ZZ")) == ["Non"]
    answers = [
        page.check(vin=RIGHT), page.check(vin=WRONG), page.check(plate=plate),
        page.check(plate="ZZ-999-ZZ"),
    ]  # fmt: skip
    bare = {re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers}
    assert len(bare) == 1, "right and wrong are answered alike"
    assert told(answers[0]) == ["Plus d’essai"]
    assert "<form" not in answers[0].content.decode()
    assert page.counted == (5, [5])
    # Another opening has its own five.
    assert told(page.again().check(vin=RIGHT)) == ["Oui"]
    assert page.client.get(page.path).status_code == 200


def test_the_fifth_wrong_answer_leaves_none_for_the_second_field(make, plate):
    page = make()
    for _ in range(CHECKS_PER_OPENING - 1):
        page.check(vin=WRONG)
    assert told(page.check(vin=WRONG, plate=plate)) == ["Plus d’essai", "Non"]
    assert page.counted == (5, [5])


def test_after_fifty_wrong_answers_a_link_has_no_more(make):
    page = make()
    Link.objects.filter(pk=page.public_id).update(checks_failed=CHECKS_PER_LINK - 1)
    assert told(page.check(vin=WRONG)) == ["Non"]
    for typed in (RIGHT, WRONG):
        assert told(page.check(vin=typed)) == ["Plus d’essai"]
        assert told(page.again().check(vin=typed)) == ["Plus d’essai"]
    assert page.counted == (CHECKS_PER_LINK, [1])


def test_the_database_holds_the_limits(make):
    page = make()
    with pytest.raises(IntegrityError), transaction.atomic():
        Link.objects.filter(pk=page.public_id).update(checks_failed=CHECKS_PER_LINK + 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Check.objects.create(
            opening=OPENING, failed=CHECKS_PER_OPENING + 1, expires_at=timezone.now()
        )


def at_once(*judged):
    """Return the answers of as many threads, each with its own connection."""

    def one(is_right, public_id, opening):
        try:
            return tries.judge(public_id, opening, lambda: is_right, timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(len(judged)) as pool:
        return [made.result() for made in [pool.submit(one, *each) for each in judged]]


def test_twenty_wrong_tries_at_once_give_five_answers(make):
    page = make()
    answers = at_once(*[(False, page.public_id, OPENING)] * 20)
    assert answers.count(Answer.NO) == 5
    assert answers.count(Answer.USED_UP) == 15
    assert page.counted == (5, [5])


def test_many_openings_at_once_do_not_pass_the_limit_of_the_link(make):
    page = make()
    Link.objects.filter(pk=page.public_id).update(checks_failed=CHECKS_PER_LINK - 5)
    openings = [bytes([n]) * 8 for n in range(20)]
    answers = at_once(*[(False, page.public_id, opening) for opening in openings])
    assert answers.count(Answer.NO) == 5
    assert page.counted == (CHECKS_PER_LINK, [1] * 5)


def test_right_tries_at_once_are_all_answered(make):
    page = make()
    answers = at_once(*[(True, page.public_id, OPENING)] * 20)
    assert answers == [Answer.YES] * 20
    assert page.counted == (0, [])


def test_with_nothing_left_nothing_is_compared(make):
    page = make()
    now = timezone.now()
    for _ in range(CHECKS_PER_OPENING):
        tries.judge(page.public_id, OPENING, lambda: False, now)

    def compared():
        raise AssertionError

    assert tries.judge(page.public_id, OPENING, compared, now) is Answer.USED_UP
    assert tries.judge(bytes(12), OPENING, compared, now) is None


def test_each_opening_is_counted_by_itself(make):
    page = make()
    other = page.again()
    for reader in (page, other, other):
        assert told(reader.check(vin=WRONG)) == ["Non"]
    assert page.counted == (3, [1, 2])
    # The same browser in the other language is the same opening.
    assert told(page.check("en", vin=WRONG)) != []
    assert page.counted == (4, [2, 2])


def test_the_row_of_an_opening_says_nothing_of_its_link(make):
    page = make(life=HOUR)
    page.check(vin=WRONG)
    row = Check.objects.get()
    assert len(bytes(row.opening)) == 8
    assert bytes(row.opening) not in page.secret + page.public_id
    link = Link.objects.get(pk=page.public_id)
    assert row.expires_at != link.expires_at


def test_end_links_forgets_the_openings_that_are_over(make):
    page = make()
    page.check(vin=WRONG)
    call_command("end_links")
    assert Check.objects.count() == 1
    Check.objects.update(expires_at=timezone.now())
    call_command("end_links")
    assert Check.objects.count() == 0


def question(answer) -> bool:
    return answer.status_code == 200 and 'id="id_code"' in answer.content.decode()


def test_without_the_cookie_of_an_opening_it_is_the_page_to_open_the_link(make):
    page, other = make(), make()
    stranger = Client()
    path = page.path + "/verifier"
    before = list(dump.values())
    for visitor in (stranger, other.client):
        answer = visitor.post(path, {"vin": RIGHT})
        assert question(answer)
        assert f'action="{page.path}"' in answer.content.decode()
        assert "Oui" not in answer.content.decode()
    assert list(dump.values()) == before


@pytest.mark.parametrize("content", ["secret", "longer"])
def test_a_cookie_without_an_opening_opens_nothing(make, content):
    page = make()
    reader = SealedCookie("reader cookie", "reader", prefix="", life_seconds=60)
    made = {"secret": page.secret, "longer": page.secret + bytes(9)}[content]
    client = Client()
    answer = client.get("/acheteur")
    reader.give(answer, made, now=int(timezone.now().timestamp()), suffix="-fr")
    client.cookies["reader-fr"] = answer.cookies["reader-fr"].value
    assert question(client.get(page.path))
    assert question(client.post(page.path + "/verifier", {"vin": RIGHT}))


@pytest.mark.parametrize("language", ["", "/en"])
@pytest.mark.parametrize("cookie", [True, False], ids=["reader", "stranger"])
def test_a_get_asks_and_changes_nothing(make, cookie, language):
    page = make()
    visitor = page.client if cookie else Client()
    with translation.override("en" if language else "fr"):
        path = reverse("check_car", args=[addresses.written(page.public_id)])
    assert path.startswith(language + page.path)
    before = list(dump.values())
    answer = visitor.get(path, {"vin": WRONG, "plate": "ZZ-999-ZZ"})
    assert answer.status_code == 200
    assert ('name="vin"' in answer.content.decode()) is cookie
    assert WRONG not in answer.content.decode()
    assert visitor.head(path).status_code == 200
    for method in ("put", "patch", "delete", "options"):
        assert getattr(visitor, method)(path).status_code == 405
    assert list(dump.values()) == before


def test_a_dead_link_compares_nothing(make):
    page = make()
    found = Link.objects.filter(pk=page.public_id)
    assert found.end(End.REVOKED_BY_OWNER, timezone.now()) == 1
    answers = [page.check(vin=RIGHT), page.check(vin=WRONG)]
    gone = page.client.get(page.path)
    for answer in answers:
        assert answer.status_code == 404
        assert answer.content == gone.content
    assert not Check.objects.exists()


def test_a_form_of_another_site_compares_nothing(make):
    page = make()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = page.client.cookies
    before = list(dump.values())
    assert strict.post(page.path + "/verifier", {"vin": WRONG}).status_code == 403
    assert list(dump.values()) == before


def test_what_is_typed_is_shown_again_and_kept_nowhere(make, caplog):
    caplog.set_level(logging.DEBUG)
    page = make()
    typed = {"vin": "ZZ9ZZ9ZZ9ZZ9CANAR", "plate": 'QQ-777-"><b>'}
    answer = page.check(**typed)
    assert told(answer) == ["Non", "Non"]
    text = answer.content.decode()
    assert typed["vin"] in text
    assert "QQ-777-&quot;&gt;&lt;b&gt;" in text
    assert "<b>" not in text
    assert not any("ZZ9ZZ9" in str(value) for value in answer.headers.values())
    lines = [LineFormatter().format(made) for made in caplog.records]
    stored = b"\n".join(dump.values()).upper()
    for name in ("ZZ9ZZ9ZZ9ZZ9CANAR", "QQ-777", "QQ777", page.code):
        assert not any(name in line for line in [*lines, *caplog.messages])
        assert name.encode() not in stored
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_no_client_guesses_through_many_openings(make):
    """Somebody who knows the seller tries plates: fifty, then the seller must make
    another link."""
    page = make()
    said = []
    for n in range(60):
        if n % CHECKS_PER_OPENING == 0:
            # Each time from elsewhere: one network would be asked for work, and refused.
            reader = Read(page.secret, Client(REMOTE_ADDR=f"127.9.{n}.1"))
        said += told(reader.check(plate=f"ZZ-{n:03}-ZZ"))
    assert said == ["Non"] * CHECKS_PER_LINK + ["Plus d’essai"] * 10
