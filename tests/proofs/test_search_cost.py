"""What it costs to search certificates when register key ring and database are lost, on
this machine and on the real extract; what two defences would buy and cost: make proofs
ONLY=search_cost. THREATS.md has the figures."""

import bisect
import datetime as dt
import functools
import hashlib
import json
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from django.db import connection

from histovet.vault import reading, releases
from histovet.vault.keys import register_ring
from pseudonymizer.envelope import RowKeys, identity_bytes
from pseudonymizer.normalise import fni_identity, siv_identity
from pseudonymizer.records import Identity
from tests import extract
from tests.proofs import figures, key_process
from tests.publish import publish

pytestmark = pytest.mark.proof

VEHICLES = 85_000_000
# The first FNI date of the extract and the last year of that register.
FNI_DATES = [
    (dt.date(1975, 1, 1) + dt.timedelta(days)).isoformat()
    for days in range((dt.date(2010, 1, 1) - dt.date(1975, 1, 1)).days)
]
# One rented GPU, as THREATS.md has it; two compressions an HMAC.
GPU_SHA256_PER_S = 1e10
GPU_BYTES_PER_S = 1e12
COMPRESSIONS = 2

SIV_SEARCHED = 50
SIV_BY_MONTH = 3
HALVINGS = 20
SHARES = (0.5, 0.9, 0.99)
ROUND_TRIPS = 5_000
BATCH = 512
ONLINE_RATE = 200

# Formula numbers of SIV rise by these letters.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_FORMULA_NUMBER = re.compile(f"(20[0-9]{{2}})([{_LETTERS}])([{_LETTERS}])([0-9]{{5}})")
_A_PAIR_HAS = 100_000


# The search: the real derivation, its key blocks hashed once.


class Search:
    """Tries certificates against the ids of a stolen database."""

    def __init__(self, keys: RowKeys, ids: set[bytes]) -> None:
        lookup = keys._lookup
        self._inner, self._outer, self._ids = lookup._inner, lookup._outer, ids
        self.tried = 0
        self.seconds = 0.0

    def found(self, start: bytes, proofs: Sequence[bytes]) -> list[bytes]:
        """Return the proofs under which a row stands; `start` is I up to them."""
        begun = time.process_time()
        inner_key, outer_key, ids = self._inner, self._outer, self._ids
        found = []
        for proof in proofs:
            inner, outer = inner_key.copy(), outer_key.copy()
            inner.update(start + proof)
            outer.update(inner.digest())
            if outer.digest()[:16] in ids:
                found.append(proof)
        self.seconds += time.process_time() - begun
        self.tried += len(proofs)
        return found

    @property
    def per_second(self) -> float:
        return self.tried / self.seconds


def start_of(identity: Identity) -> bytes:
    encoded = identity_bytes(identity)
    return encoded[: -len(identity.formula_or_date)]


def compressions_per_second() -> float:
    """Return how many blocks of 64 bytes one core hashes, without an interpreter."""
    block = bytes(2**24)
    begun = time.process_time()
    for _ in range(16):
        hashlib.sha256(block).digest()
    return 16 * len(block) / 64 / (time.process_time() - begun)


# Formula numbers from dates


def serial(number: str) -> tuple[int, int] | None:
    """Return the year and the place in it, None for a number of another layout."""
    match = _FORMULA_NUMBER.fullmatch(number)
    if match is None:
        return None
    year, a, b, digits = match.groups()
    pair = _LETTERS.index(a) * len(_LETTERS) + _LETTERS.index(b)
    return int(year), pair * _A_PAIR_HAS + int(digits)


def formula_number(year: int, place: int) -> str:
    pair, digits = divmod(place, _A_PAIR_HAS)
    a, b = divmod(pair, len(_LETTERS))
    return f"{year}{_LETTERS[a]}{_LETTERS[b]}{digits:05}"


@functools.cache
def _working_days(day: dt.date) -> float:
    """Return the place of the middle of a day in its year; a Saturday is a tenth."""
    first = dt.date(day.year, 1, 1)
    days = (first + dt.timedelta(n) for n in range((day - first).days))
    weight = {5: 0.1, 6: 0.0}
    before = sum(weight.get(one.weekday(), 1.0) for one in days)
    return before + weight.get(day.weekday(), 1.0) / 2


class Prediction:
    """Places in a year from dates, between pairs that are known."""

    def __init__(self, known: Iterable[tuple[dt.date, int]]) -> None:
        by_day: dict[float, list[int]] = defaultdict(list)
        for day, place in known:
            by_day[_working_days(day)].append(place)
        self._points = [(0.0, 0.0)] + [
            (at, statistics.mean(by_day[at])) for at in sorted(by_day)
        ]

    def place(self, day: dt.date) -> int:
        at = _working_days(day)
        right = bisect.bisect(self._points, (at, float("inf")))
        if right == len(self._points):
            (x, y), (end, place) = self._points[0], self._points[-1]
        else:
            (x, y), (end, place) = self._points[right - 1], self._points[right]
        if end == x:
            return int(y)
        return max(0, int(y + (place - y) * (at - x) / (end - x)))


Pair = tuple[dt.date, int]


def siv_pairs() -> dict[int, list[tuple[Pair, Identity]]]:
    """Return, by year, the day and place of each certificate of the extract."""
    pairs: dict[int, list[tuple[Pair, Identity]]] = defaultdict(list)
    for one in extract.printed():
        issued = json.loads(one.facts).get("date_emission_CI")
        if one.register != "SIV" or not issued or not (known := serial(one.proof)):
            continue
        day = dt.datetime.strptime(issued, "%d/%m/%Y").date()
        if day.year == known[0]:
            pair = day, known[1]
            pairs[day.year].append((pair, siv_identity(one.plate, one.proof)))
    return pairs


def of_first_registration() -> tuple[int, int]:
    """Return how many SIV certificates in force have the day of the vehicle's first
    registration there, and how many there are."""
    facts = [
        json.loads(one.facts) for one in extract.printed() if one.register == "SIV"
    ]
    days = [
        (one["date_emission_CI"], one.get("date_premiere_immat_siv"))
        for one in facts
        if "date_emission_CI" in one
    ]
    return sum(issued == first for issued, first in days), len(days)


_PLATE = re.compile("([A-Z])([A-Z])-([0-9]{3})-([A-Z])([A-Z])")


def plates_follow_days() -> float:
    """Return the rank correlation of plate and first registration in SIV, over vehicles
    that were registered there new."""
    found = []
    for one in extract.printed():
        facts = json.loads(one.facts)
        match = _PLATE.fullmatch(one.plate)
        first = facts.get("date_premiere_immat_siv")
        if one.register == "SIV" and match and first == facts["date_premiere_immat"]:
            day = dt.datetime.strptime(first, "%d/%m/%Y").date()
            # Letters first, and the digits in the middle last.
            found.append((match.group(1, 2, 4, 5, 3), day))
    plates, days = (list(column) for column in zip(*found, strict=True))
    return statistics.correlation(_ranks(plates), _ranks(days))


def _ranks(values: list) -> list[int]:
    ordered = sorted(values)
    return [bisect.bisect(ordered, value) for value in values]


def without(pairs: list[Pair], place: int) -> Prediction:
    return Prediction(pairs[:place] + pairs[place + 1 :])


def off_by(trained: Prediction, tested: Iterable[Pair]) -> Iterator[int]:
    return (abs(trained.place(day) - place) for day, place in tested)


def tries(errors: list[int]) -> dict[str, int]:
    """Return within how many numbers around the prediction so many shares are."""
    ordered = sorted(errors)
    return {
        f"{share:.0%}": 2 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
        + 1
        for share in SHARES
    }


def around(year: int, place: int, count: int) -> list[bytes]:
    """Return as many formula numbers, the nearest first; without I and O they are
    canonical as they are."""
    steps = (step for n in range(1, count // 2 + 1) for step in (n, -n))
    places = [place, *(place + step for step in steps)]
    numbers = (formula_number(year, one) for one in places if one >= 0)
    return [one.encode() for one in numbers]


# Defences


@contextmanager
def asking(keys: tuple[bytes, bytes], folder: Path, rate: int):
    """Yield the socket of a key process, and where its seconds are put."""
    path = folder / "keys"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.proofs.key_process", str(path), str(rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdin as given:
        given.write(b"".join(keys))
    spent: list[float] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        for _ in range(500):
            try:
                door.connect(str(path))
                break
            except OSError:
                time.sleep(0.02)
        with door.makefile("rb") as answers:
            yield lambda identities: ask(door, answers, identities), spent
    with process.stdout as told:
        spent.append(float(told.read()))
    process.wait(timeout=10)
    path.unlink()


def ask(door: socket.socket, answers, identities: Sequence[bytes]) -> list[bytes]:
    """Return id and key of each identity; nothing when it was refused."""
    asked = b"".join(bytes((len(one),)) + one for one in identities)
    door.sendall(len(identities).to_bytes(2, "big") + asked)
    if answers.read(1) == key_process.REFUSED:
        return []
    size = key_process.ANSWER_BYTES
    content = answers.read(size * len(identities))
    return [content[at : at + size] for at in range(0, len(content), size)]


def _microseconds(action: Callable[[], object], times: int) -> tuple[float, float]:
    """Return the median on the wall, and the mean of the processor."""
    walls = []
    begun = time.process_time()
    for _ in range(times):
        at = time.perf_counter()
        action()
        walls.append(time.perf_counter() - at)
    processor = (time.process_time() - begun) / times
    return statistics.median(walls) * 1e6, processor * 1e6


def key_process_costs(folder: Path, encoded: list[bytes]) -> dict[str, float]:
    ready = releases.reload()
    row = ready.row
    ring = register_ring()
    lookup, seal = (
        ring.derive(label, version=row.key_version, salt=row.salt)
        for label in ("lookup", "seal")
    )
    one, batch = encoded[:1], (encoded * BATCH)[:BATCH]
    known = [ready.keys.record_id(encoded[0]) + ready.keys._seal.digest(encoded[0])]
    here, _ = _microseconds(
        lambda: (ready.keys.record_id(one[0]), ready.keys._seal.digest(one[0])),
        ROUND_TRIPS,
    )
    with asking((lookup, seal), folder, 10**9) as (asked, spent):
        assert asked(one) == known
        wall, client = _microseconds(lambda: asked(one), ROUND_TRIPS)
    single = spent[0] / (ROUND_TRIPS + 1) * 1e6
    with asking((lookup, seal), folder, 10**9) as (asked, spent):
        batch_wall, batch_client = _microseconds(lambda: asked(batch), 200)
    batched = spent[0] / 200 / BATCH * 1e6
    with asking((lookup, seal), folder, ONLINE_RATE) as (asked, spent):
        begun, answered = time.monotonic(), 0
        while time.monotonic() < begun + 3:
            answered += bool(asked(one))
    return {
        "here, µs": round(here, 1),
        "round trip, median µs": round(wall, 1),
        "of it, processor of who asks, µs": round(client, 1),
        "of it, processor of the key process, µs": round(single, 1),
        f"in batches of {BATCH}, µs an identity": round(batch_wall / BATCH, 2),
        "of it, processor of both, µs": round(batch_client / BATCH + batched, 2),
        "85 million in batches, core-hours": round(
            VEHICLES * (batch_client / BATCH + batched) / 3.6e9, 2
        ),
        "limit, a second": ONLINE_RATE,
        # The bucket begins with those of one second.
        "answered in 3 s under the limit": answered,
        "one FNI plate under the limit, s": round(len(FNI_DATES) / ONLINE_RATE),
        "1e9 FNI plates under the limit, years": round(
            1e9 * len(FNI_DATES) / ONLINE_RATE / 31_557_600
        ),
    }


def memory_hard(per_try_seconds: float) -> dict[str, dict[str, float]]:
    """Argon2id of one pass and lane, with as much memory as takes so long here."""

    def seconds(kib: int) -> float:
        taken = []
        for _ in range(5):
            begun = time.process_time()
            Argon2id(
                salt=bytes(16), length=32, iterations=1, lanes=1, memory_cost=kib
            ).derive(b"identity")
            taken.append(time.process_time() - begun)
        return statistics.median(taken)

    told = {}
    for wanted in (0.010, 0.050, 0.100):
        kib = 2**14
        for _ in range(3):
            kib = max(64, int(kib * wanted / seconds(kib)))
        cost = seconds(kib)
        # One pass writes the memory once and reads it twice.
        gpu = GPU_BYTES_PER_S / (3 * kib * 1024)
        told[f"{wanted * 1000:.0f} ms"] = {
            "measured ms": round(cost * 1000, 1),
            "MiB": round(kib / 1024, 1),
            "85 million, core-days": round(VEHICLES * cost / 86_400, 1),
            "a request, ms": round(cost * 1000, 1),
            "times the cost of a try here": round(cost / per_try_seconds),
            "tries a second on a GPU of 1 TB/s": round(gpu),
            "one FNI plate here, core-minutes": round(len(FNI_DATES) * cost / 60, 1),
            "one FNI plate on the GPU, s": round(len(FNI_DATES) / gpu, 1),
            "1e9 FNI plates on the GPU, years": round(
                1e9 * len(FNI_DATES) / gpu / 31_557_600
            ),
        }
    return told


def cost(tries_each: float, per_second: float) -> dict[str, float]:
    """Return what 85 million searches of so many tries come to."""
    total = VEHICLES * tries_each
    gpu = GPU_SHA256_PER_S / COMPRESSIONS
    return {
        "tries each": round(tries_each),
        "one here, s": round(tries_each / per_second, 3),
        "85 million here, core-hours": round(total / per_second / 3600),
        "85 million on a GPU, hours": round(total / gpu / 3600, 1),
    }


@pytest.fixture
def stolen(transactional_db) -> set[bytes]:
    """Publish the real extract, and return the ids of its rows."""
    publish(extract.folder())
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_id FROM vault_record")
        return {one.bytes for (one,) in cursor.fetchall()}


def certificates_of_fni() -> dict[bytes, set[bytes]]:
    """Return the issue dates of each plate, by I up to them."""
    real = defaultdict(set)
    for one in extract.printed():
        if one.register == "FNI":
            day = dt.datetime.strptime(one.proof, "%d/%m/%Y").date()
            identity = fni_identity(one.plate, day)
            real[start_of(identity)].add(identity.formula_or_date.encode())
    return real


def test_fni_plates_are_searched_by_every_date(stolen):
    real = certificates_of_fni()
    search = Search(releases.reload().keys, stolen)
    dates = [one.encode() for one in FNI_DATES]
    found = {start: set(search.found(start, dates)) for start in real}
    compressions = compressions_per_second()
    figures.write(
        "search_cost_fni",
        {
            "tries a second and core, Python": round(search.per_second),
            "SHA-256 compressions a second and core, OpenSSL": round(compressions),
            "tries a second and core, at most in C": round(compressions / COMPRESSIONS),
            "plates": len(real),
            "dates each": len(dates),
            "certificates": sum(map(len, real.values())),
            "found": sum(len(found[start] & real[start]) for start in real),
            "found that are none": sum(len(found[s] - real[s]) for s in real),
            "seconds of one core": round(search.seconds, 1),
            "ms a plate": round(search.seconds / len(real) * 1000, 1),
            "cost": cost(len(dates), search.per_second),
            "1e9 plates on a GPU, hours": round(
                1e9 * len(dates) / (GPU_SHA256_PER_S / COMPRESSIONS) / 3600, 2
            ),
        },
    )
    assert found == real
    # And what is found opens.
    for start, days in list(found.items())[:50]:
        plate = start[3:-1].decode()
        for day in days:
            issued = dt.date.fromisoformat(day.decode())
            assert reading.read(fni_identity(plate, issued)) is not None


def test_formula_numbers_are_predicted_from_dates(stolen):
    pairs = siv_pairs()
    rng = random.Random(2026)
    known = {year: [pair for pair, _ in listed] for year, listed in pairs.items()}
    halves, others = [], []
    for listed in known.values():
        shuffled = list(listed)
        for _ in range(HALVINGS):
            rng.shuffle(shuffled)
            middle = len(shuffled) // 2
            one, other = shuffled[:middle], shuffled[middle:]
            halves += [*off_by(Prediction(one), other), *off_by(Prediction(other), one)]
        for place, pair in enumerate(listed):
            others += off_by(without(listed, place), [pair])
    by_half, by_others = tries(halves), tries(others)
    a_year = {
        year: Prediction(known[year]).place(dt.date(year, 12, 31))
        for year in sorted(known)
    }
    # The register began in April of its first year.
    month = statistics.mean(n for year, n in a_year.items() if year > 2009) / 12

    keys = releases.reload().keys
    by_day, by_month = Search(keys, stolen), Search(keys, stolen)
    places = [(year, n) for year in pairs for n in range(len(pairs[year]))]
    hits = month_hits = 0
    for number, (year, n) in enumerate(rng.sample(places, SIV_SEARCHED)):
        (day, _), identity = pairs[year][n]
        trained, start = without(known[year], n), start_of(identity)
        wanted = identity.formula_or_date.encode()
        near = around(year, trained.place(day), by_others["90%"])
        hits += wanted in by_day.found(start, near)
        if number < SIV_BY_MONTH:
            # As a shared report has it: the month, and half as much again around it.
            near = around(year, trained.place(day.replace(day=15)), int(1.5 * month))
            month_hits += wanted in by_month.found(start, near)
    of_first, in_force = of_first_registration()
    figures.write(
        "search_cost_siv",
        {
            "certificates in force": in_force,
            "of the day of first registration in SIV": of_first,
            "rank correlation of plate and first registration": round(
                plates_follow_days(), 3
            ),
            "tries a second and core, Python": round(by_day.per_second),
            "pairs of date and number": len(others),
            "numbers a year": a_year,
            "tries around the day, from half of the pairs": by_half,
            "tries around the day, from all others": by_others,
            "searched in the database": SIV_SEARCHED,
            "found within the 90 % window": hits,
            "ms each": round(by_day.seconds / SIV_SEARCHED * 1000, 1),
            "searched by the month": SIV_BY_MONTH,
            "found by the month": month_hits,
            "s each by the month": round(by_month.seconds / SIV_BY_MONTH, 2),
            "cost, the day known": cost(by_others["90%"], by_day.per_second),
            "cost, the month known": cost(month, by_day.per_second),
            "cost, nothing known": cost(sum(a_year.values()), by_day.per_second),
        },
    )
    assert hits >= 0.7 * SIV_SEARCHED
    assert month_hits == SIV_BY_MONTH


def test_what_two_defences_buy_and_cost(stolen, tmp_path):
    real = certificates_of_fni()
    search = Search(releases.reload().keys, stolen)
    dates = [one.encode() for one in FNI_DATES]
    for start in list(real)[:50]:
        search.found(start, dates)
    encoded = [start + day for start, days in real.items() for day in days]
    figures.write(
        "search_cost_defences",
        {
            "tries a second and core, Python": round(search.per_second),
            "key process": key_process_costs(tmp_path, encoded),
            "memory-hard step": memory_hard(1 / search.per_second),
        },
    )


@pytest.mark.parametrize(
    ("number", "year", "place"),
    [
        ("2012AA00000", 2012, 0),
        ("2012AB00001", 2012, 100_001),
        ("2012BA00002", 2012, 2_400_002),
        ("2012AJ99999", 2012, 899_999),
    ],
)
def test_a_formula_number_is_a_place_in_its_year(number, year, place):
    assert serial(number) == (year, place)
    assert formula_number(year, place) == number
