"""What a thousand addresses find of one vehicle in a day, whose date they enumerate,
and what a report for others is worth to them: make proofs ONLY=spread."""

import datetime as dt
import json
import random
from collections.abc import Iterator
from itertools import cycle

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from histovet.limits import clients, proof_of_work, vehicles
from histovet.sharing import codes, links
from histovet.sharing.codes import Kind
from histovet.vault import reading
from pseudonymizer.normalise import fni_identity
from tests.limits.work import challenge_in, solved
from tests.partner import new_key
from tests.proofs import figures
from tests.publish import publish
from tests.vehicles import fni_line, write_feed

pytestmark = pytest.mark.proof

# The first and the last date of a certificate of the FNI in the real extract.
FIRST, LAST = dt.date(1975, 9, 12), dt.date(2009, 10, 12)
ISSUED = dt.date(2008, 3, 6)
# Of a year, which a report for others leaves.
WORKING_DAYS = 260
# Each of the 2,174 VINs of the real extract that have 17 characters ends in digits.
ENDS = 10_000

SCATTERED = [f"11.{n // 250}.{n % 250}.1" for n in range(1000)]
# A rented block of addresses: four networks of 250.
BLOCK = [f"192.0.{n // 250}.{n % 250}" for n in range(1000)]
HOLDER = "203.0.113.5"

RIGHT = {
    "register": "FNI",
    "plate": "123 ABC 75",
    "issue_date": ISSUED.isoformat(),
    "holder_kind": "person",
    "family_name": "LEMOINE CAMILLE",
}
RIGHT_VIN = "VF1B********12345"
RIGHT_END = RIGHT_VIN[-4:]


@pytest.fixture
def attacked(transactional_db, tmp_path, monkeypatch):
    """The vehicle's register, at the first second of a day, before any failure."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    monkeypatch.setattr("django.utils.timezone.now", lambda: midnight)
    publish(write_feed(tmp_path / "feed", [fni_line()]))
    cache.clear()
    # The brake asks for as many proofs as ever; each is little work here, and good for
    # all of a day whose first second never ends.
    monkeypatch.setattr(proof_of_work, "_ROUNDS", 1)
    monkeypatch.setattr(proof_of_work, "_STEPS_MIN", 1)
    monkeypatch.setattr(proof_of_work, "_STEPS_MAX", 2)
    monkeypatch.setattr(proof_of_work, "LIFE_SECONDS", 2 * 24 * 3600)


def dates(seed: int) -> list[dt.date]:
    """Every working day that may stand on a certificate, in an order of no meaning."""
    days = [FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    working = [day for day in days if day.weekday() < 5]
    random.Random(seed).shuffle(working)
    assert ISSUED in working
    return working


class Attacker:
    """Knows plate and name, and enumerates dates; sends ends of the VIN once asked, or
    the one that was read off the car.

    `tries` are the guesses that were compared with the register, which is all that the
    limits leave; refusals and the question for one more datum tell nothing.
    """

    def __init__(
        self,
        addresses: list[str],
        *,
        seed: int,
        year: int | None = None,
        end: str | None = None,
    ) -> None:
        self.addresses = list(addresses)
        likely = [day for day in dates(seed) if year in (None, day.year)]
        self.guesses: Iterator[dt.date] = cycle(likely)
        self.ends = random.Random(seed)
        self.end = end
        self.asked: set[str] = set()
        self.tries = 0
        self.found = False

    def try_for_an_hour(self) -> None:
        """Take turns until every address is refused, or the report is there."""
        open_to = list(self.addresses)
        while open_to and not self.found:
            open_to = [each for each in open_to if not self.found and self.guess(each)]

    def guess(self, address: str) -> bool:
        """Return whether the address is not refused yet."""
        body = RIGHT | {"issue_date": next(self.guesses).isoformat()}
        answer = post(address, body)
        if asks_vin_end(answer):
            body["vin_end"] = self.end or f"{self.ends.randrange(ENDS):04}"
            answer = post(address, body)
        if answer.status_code == 429:
            return False
        self.found = answer.status_code == 303
        assert self.found or is_not_found(answer)
        self.tries += 1
        self.asked.add(address)
        return True


def post(address: str, body: dict[str, str]):
    """Send the form, once more with the proof of work if one is asked for."""
    client = Client(REMOTE_ADDR=address)
    answer = client.post("/vendeur", body)
    if b"data-challenge" in answer.content and not is_not_found(answer):
        proof = solved(challenge_in(answer.content.decode()))
        answer = client.post("/vendeur", body | {"altcha": proof})
    return answer


def asks_vin_end(answer) -> bool:
    return b'id="id_vin_end"' in answer.content and not is_not_found(answer)


def is_not_found(answer) -> bool:
    return "Aucun véhicule ne correspond" in answer.content.decode()


def pass_an_hour() -> None:
    """Bring the end of every counter an hour nearer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE limits_counter SET expires_at = expires_at - interval '1 hour'"
        )


def opens(address: str, **more: str) -> int:
    return post(address, RIGHT | more).status_code


def chances(without_end: int, with_end: int) -> dict[str, str]:
    """Of a day's tries, by what was seen besides plate and name."""
    all_dates = len(dates(0))
    # Dates and ends that are left to be tried.
    left = {
        "nothing more": (all_dates, ENDS),
        "a report for others": (WORKING_DAYS, ENDS),
        "the VIN on the car": (all_dates, 1),
        "both": (WORKING_DAYS, 1),
    }
    return {
        seen: f"{min(1.0, without_end / days + with_end / (days * ends)):.4%}"
        for seen, (days, ends) in left.items()
    }


def test_without_the_third_datum_the_date_is_found_in_the_first_hour(
    attacked, monkeypatch
):
    monkeypatch.setattr(vehicles, "A_DAY", 10**9)
    scattered = Attacker(SCATTERED, seed=1)
    scattered.try_for_an_hour()
    assert scattered.found
    assert scattered.tries <= len(dates(1))

    cache.clear()
    block = Attacker(BLOCK, seed=2)
    tries = []
    for _ in range(2):
        before = block.tries
        block.try_for_an_hour()
        tries.append(block.tries - before)
        pass_an_hour()
    # Four networks, all of whose budgets are there again after an hour.
    if not block.found:
        assert tries == [4 * clients.BUDGETS[4][24]] * 2
    a_day_scattered = 24 * len(SCATTERED) * clients.BUDGETS[4][32]
    a_day_block = 24 * 4 * clients.BUDGETS[4][24]
    figures.write(
        "spread-without",
        {
            "dates": len(dates(0)),
            "scattered": {
                "tries until found": scattered.tries,
                "tries a day": a_day_scattered,
                "chance a day": chances(a_day_scattered, 0),
            },
            "one block": {
                "tries an hour": tries,
                "tries a day": a_day_block,
                "chance a day": chances(a_day_block, 0),
            },
        },
    )


@pytest.mark.parametrize(
    ("where", "addresses", "most", "chance"),
    [
        ("scattered", SCATTERED, 1000 * clients.BUDGETS[4][32] // vehicles.SHARE, 1e-3),
        ("block", BLOCK, 4 * clients.BUDGETS[4][24] // vehicles.SHARE, 6e-4),
    ],
)
def test_with_it_a_day_ends_after_few_tries_and_the_holder_is_never_locked_out(
    attacked, where, addresses, most, chance
):
    attacker = Attacker(addresses, seed=3)
    attacker.try_for_an_hour()
    assert not attacker.found
    assert attacker.tries == vehicles.A_DAY + most
    with_end = attacker.tries - vehicles.A_DAY
    # The rest of the day gives no try more.
    pass_an_hour()
    again = attacker.tries
    attacker.try_for_an_hour()
    assert attacker.tries == again
    blind = vehicles.A_DAY / len(dates(0)) + with_end / (len(dates(0)) * ENDS)
    assert blind < chance
    # In between the holder is asked for one datum more, and reads the report.
    assert opens(HOLDER) == 200
    assert opens(HOLDER, vin_end=RIGHT_END) == 303
    figures.write(
        f"spread-{where}",
        {
            "tries a day": attacker.tries,
            "of them without the end of the VIN": vehicles.A_DAY,
            "chance a day": chances(vehicles.A_DAY, with_end),
        },
    )


def read_report() -> tuple[str, dict]:
    """Return page and JSON of a link to the vehicle, as its reader has them."""
    identity = fni_identity(RIGHT["plate"], ISSUED)
    secret = links.create(
        identity,
        reading.read(identity),
        bytes(16),
        life=dt.timedelta(days=1),
        now=timezone.now(),
    )
    code = codes.encode(secret, Kind.LINK)
    reader = Client()
    opened = reader.post("/acheteur", {"code": code})
    page = reader.get(opened.headers["Location"]).content.decode()
    answer = Client().post(
        "/api/v1/report_by_code",
        {"vehicule": {"code": code}},
        content_type="application/json",
        headers={"Authorization": f"Bearer {new_key()}"},
    )
    return page, answer.json()


def test_a_report_for_others_is_worth_its_year_and_no_end_of_the_vin(attacked):
    page, answer = read_report()
    told = answer["vehicule"]["certificat_immatriculation"]
    technical = told["caracteristiques_techniques"]
    assert technical["date_emission"] == f"{ISSUED.year}-01-01"
    assert technical["vin_anonymise"].strip("*") == RIGHT_VIN[:4]
    assert RIGHT_END not in page and RIGHT_END not in json.dumps(answer)

    reader = Attacker(SCATTERED, seed=5, year=ISSUED.year)
    reader.try_for_an_hour()
    assert not reader.found
    most = len(SCATTERED) * clients.BUDGETS[4][32] // vehicles.SHARE
    assert reader.tries == vehicles.A_DAY + most

    # Who has stood before the car as well needs a network for every few dates.
    cache.clear()
    witness = Attacker(SCATTERED, seed=5, year=ISSUED.year, end=RIGHT_END)
    witness.try_for_an_hour()
    assert witness.found
    figures.write(
        "spread-report",
        {
            "with a report for others": {"tries a day": reader.tries, "found": False},
            "and the VIN on the car": {
                "tries until found": witness.tries,
                "networks that it took": len(witness.asked),
            },
        },
    )
