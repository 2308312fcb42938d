"""Nobody tells by the time of an answer why a code opens nothing, and nobody rebuilds
a certificate from a shared report: make proofs ONLY=links."""

import bisect
import dataclasses
import datetime as dt
import gc
import io
import ipaddress
import math
import random
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from histovet.history.dates import Precision, ShownDate
from histovet.history.report import Audience, Report, ShownOperation
from histovet.sharing import addresses, codes, links
from histovet.sharing.codes import Kind
from histovet.sharing.models import End, Link
from histovet.sharing.opening import open_link
from histovet.vault import reading
from pseudonymizer.envelope import link_id
from pseudonymizer.normalise import siv_identity
from pseudonymizer.records import Register
from tests.attacks.test_rebuild import (
    Printed,
    candidates,
    document,
    figures_of,
    leaks,
    page,
    paper,
    read_by,
    real,
)
from tests.proofs import figures
from tests.publish import publish
from tests.sharing.test_opening import DAY, OWNER
from tests.vehicles import siv_lines, write_file

pytestmark = pytest.mark.proof

SAMPLES = 10_000
# Of each state: a place in an index must not be what is measured.
LINKS = 10
FIRST_SIGHTS = 300
RESAMPLES = 200
# The chance that of two answers the slower one is the dead link's: 0.5 tells nothing.
# With 10,000 samples each, equal times stray from it by 0.004 (one standard deviation),
# so that this bound is five of them. At the bound itself 4,000 answers of each kind
# are needed for a decision that is wrong in one of twenty, on this machine without a
# network between; a network of clients has 150 failures an hour.
AUC_BOUND = 0.02

CSRF = "a" * 32


@dataclass(frozen=True)
class Try:
    """A code, and the address that it is posted to."""

    path: str
    code: str


@dataclass(frozen=True)
class Taken:
    """Nanoseconds on the clock on the wall, and of the application's processor."""

    wall: int
    processor: int

    @classmethod
    def now(cls) -> "Taken":
        return cls(time.perf_counter_ns(), time.thread_time_ns())

    @classmethod
    def since(cls, begun: "Taken") -> "Taken":
        now = cls.now()
        return cls(now.wall - begun.wall, now.processor - begun.processor)


def path(secret):
    return f"/r/{addresses.written(link_id(secret))}"


def code(secret):
    return codes.encode(secret, Kind.LINK)


def tries(tmp_path) -> dict[str, list[Try]]:
    """Make links, end them in every way, and let each end be seen once."""
    now = timezone.now()
    lines = siv_lines(200)
    write_file(tmp_path / "one", "siv.csv.gz", lines)
    publish(tmp_path / "one", label="one")

    def given(place, **terms):
        line = lines[place]
        identity = siv_identity(line["plaq_immat"], line["numero_formule"])
        opened = reading.read(identity)
        terms = {"life": 7 * DAY, "now": now, **terms}
        return [links.create(identity, opened, OWNER, **terms) for _ in range(LINKS)]

    rng = random.Random(8)
    unknown = [rng.randbytes(16) for _ in range(2 * LINKS)]
    live = given(0)
    dead = {
        "expired": given(1, life=DAY, now=now - 2 * DAY),
        "revoked": given(2),
        "exhausted": given(3, max_openings=3),
        "changed hands": given(4),
    }
    for secret in dead["revoked"]:
        Link.objects.filter(pk=link_id(secret)).end(End.REVOKED_BY_OWNER, now)
    for secret in dead["exhausted"] * 3:
        assert open_link(secret, now) is not None
    lines[4] = lines[4] | {"pers_nom_naissance_tit": "QUENTIN"}
    write_file(tmp_path / "two", "siv.csv.gz", lines)
    publish(tmp_path / "two", label="two")
    for secrets in dead.values():
        for secret in secrets:
            assert open_link(secret, now) is None
    ends = {
        state: {Link.objects.get(pk=link_id(secret)).end for secret in secrets}
        for state, secrets in dead.items()
    }
    assert ends == {
        "expired": {End.EXPIRED},
        "revoked": {End.REVOKED_BY_OWNER},
        "exhausted": {End.EXHAUSTED},
        "changed hands": {End.CHANGED_HANDS},
    }
    return {
        "unknown": [Try(path(one), code(one)) for one in unknown[:LINKS]],
        "wrong secret": [
            Try(path(one), code(other))
            for one, other in zip(live, unknown[LINKS:], strict=True)
        ],
        **{
            state: [Try(path(secret), code(secret)) for secret in secrets]
            for state, secrets in dead.items()
        },
    }


class Asking:
    """Posts codes to the site as its server hands requests on, each from a network of
    its own: failures are counted as ever, and nobody's budget is used up."""

    def __init__(self):
        self._site = get_wsgi_application()
        self._asked = 0

    def _address(self):
        self._asked += 1
        high, low = divmod(self._asked, 2**16)
        first = int(ipaddress.ip_address("2001:db8::"))
        return str(ipaddress.ip_address(first + (low << 80) + (high << 64)))

    def post(self, one: Try) -> tuple["Taken", tuple[str, bytes]]:
        """Return how long it took, and status with bytes."""
        form = {"csrfmiddlewaretoken": CSRF, "code": one.code}
        body = urlencode(form).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": one.path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_COOKIE": f"{settings.CSRF_COOKIE_NAME}={CSRF}",
            "HTTP_HOST": "testserver",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._address(),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        statuses = []

        def start(status, headers, exc_info=None):
            statuses.append(status)

        begun = Taken.now()
        response = self._site(environ, start)
        content = b"".join(response)
        response.close()
        return Taken.since(begun), (statuses[0], content)


def interleaved(
    states: dict[str, list[Callable[[], Taken]]], rounds: int
) -> dict[str, list[Taken]]:
    """Return the times of each state, asked in turns in a new order each."""
    rng = random.Random(15)
    times: dict[str, list[Taken]] = {state: [] for state in states}
    order = list(states)
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds):
            rng.shuffle(order)
            for state in order:
                asks = states[state]
                times[state].append(asks[number % len(asks)]())
            if number % 100 == 0:
                gc.collect()
    finally:
        gc.enable()
    return times


def auc(one: list[int], other: list[int]) -> float:
    """Return the chance that one of `one` is longer than one of `other`, a draw being
    half: the Mann-Whitney statistic."""
    ranked = sorted(other)
    won = sum(
        bisect.bisect_left(ranked, x) + bisect.bisect_right(ranked, x) for x in one
    )
    return won / (2 * len(one) * len(other))


def interval(one: list[int], other: list[int]) -> tuple[float, float]:
    """Return what holds the difference of medians in 95 of 100 resamples."""
    rng = random.Random(16)
    differences = sorted(
        statistics.median(rng.choices(one, k=len(one)))
        - statistics.median(rng.choices(other, k=len(other)))
        for _ in range(RESAMPLES)
    )
    cut = RESAMPLES // 40
    return differences[cut], differences[-cut - 1]


def seen_from(times: list[int]) -> float:
    """Return how many nanoseconds more the bound would notice."""
    low, high = 0.0, float(statistics.median(times))
    for _ in range(20):
        middle = (low + high) / 2
        if auc([x + middle for x in times], times) > 0.5 + AUC_BOUND:
            high = middle
        else:
            low = middle
    return high


def compared(times: dict[str, list[Taken]], clock: str) -> dict[str, dict[str, float]]:
    unknown = [getattr(one, clock) for one in times["unknown"]]
    told = {"the bound notices µs": round(seen_from(unknown) / 1000, 2)}
    for state, all_taken in times.items():
        taken = [getattr(one, clock) for one in all_taken]
        low, high = interval(taken, unknown)
        told[state] = {
            "median µs": round(statistics.median(taken) / 1000, 1),
            "median more than unknown µs": round(
                (statistics.median(taken) - statistics.median(unknown)) / 1000, 2
            ),
            "from µs": round(low / 1000, 2),
            "to µs": round(high / 1000, 2),
            "AUC": round(auc(taken, unknown), 4),
        }
    return told


def test_times(transactional_db, tmp_path):
    cache.clear()
    asked = tries(tmp_path)
    site = Asking()
    answers = {
        site.post(one)[1] for state in asked.values() for one in state for _ in range(5)
    }
    assert len(answers) == 1, "the same status and bytes"
    ((status, content),) = answers
    assert status.startswith("404")

    now = timezone.now()
    secrets = {
        state: [codes.decode(one.code, Kind.LINK) for one in posted]
        for state, posted in asked.items()
    }

    def opening(secret):
        def ask():
            begun = Taken.now()
            found = open_link(secret, now)
            taken = Taken.since(begun)
            assert found is None
            return taken

        return ask

    def posting(one):
        return lambda: site.post(one)[0]

    # Apart: what the rest of a request adds is no noise then.
    inside = interleaved(
        {state: [opening(one) for one in known] for state, known in secrets.items()},
        SAMPLES,
    )
    whole = interleaved(
        {state: [posting(one) for one in posted] for state, posted in asked.items()},
        SAMPLES,
    )
    told = {
        "samples of each state": SAMPLES,
        "status": status,
        "bytes": len(content),
        "bound of the AUC": f"0.5 ± {AUC_BOUND}",
        "a request": compared(whole, "wall"),
        "a request, processor": compared(whole, "processor"),
        "open_link alone": compared(inside, "wall"),
        "first sight of an expired link": first_sights(site),
    }
    figures.write("links", told)
    requests = told["a request"]
    assert all(abs(requests[state]["AUC"] - 0.5) <= AUC_BOUND for state in whole)


def first_sights(site: Asking) -> dict[str, float]:
    """Return what the answer costs that finds a link dead, and the next one."""
    made = timezone.now() - 2 * DAY
    posted = []
    for line in siv_lines(FIRST_SIGHTS // LINKS, first=10):
        identity = siv_identity(line["plaq_immat"], line["numero_formule"])
        opened = reading.read(identity)
        for _ in range(LINKS):
            secret = links.create(identity, opened, OWNER, life=DAY, now=made)
            posted.append(Try(path(secret), code(secret)))
    random.Random(17).shuffle(posted)
    first = [site.post(one)[0].wall for one in posted]
    then = [site.post(one)[0].wall for one in posted]
    return {
        "median µs": round(statistics.median(first) / 1000, 1),
        "at the second median µs": round(statistics.median(then) / 1000, 1),
        "AUC": round(auc(first, then), 4),
    }


# What a partner may fail for one vehicle in a day.
GUESSES = 3
# Farther away than this, no date says anything of another.
NEAR_DAYS = 40


def dates_of(read: Report) -> Iterator[tuple[str, ShownDate]]:
    """Yield each date of a report with what it is the date of."""

    def walk(value: object, name: str) -> Iterator[tuple[str, ShownDate]]:
        if isinstance(value, ShownDate):
            yield name, value
        elif isinstance(value, ShownOperation):
            for field in ("date", "cancelled_on"):
                yield from walk(getattr(value, field), f"{value.code} {field}")
        elif dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                yield from walk(getattr(value, field.name), f"{name}/{field.name}")
        elif isinstance(value, tuple):
            for item in value:
                yield from walk(item, name)

    return walk(read, "")


class Guesser:
    """Knows from other certificates how far from its day the other dates of a report
    lie, and on which days of the week certificates are issued."""

    def __init__(self, known: list[Printed]) -> None:
        self._lags: dict[str, Counter[int]] = defaultdict(Counter)
        self._weekdays: Counter[int] = Counter()
        for one in known:
            issued = one.record.issue_date
            self._weekdays[issued.weekday()] += 1
            for name, date in dates_of(read_by(Audience.HOLDER, one.record)):
                if name != "/certificate/issue_date":
                    self._lags[name][(issued - date.date).days] += 1

    def guesses(self, one: Printed) -> list[dt.date]:
        """Return the likeliest days first."""
        shared = read_by(Audience.OTHERS, one.record)
        exact = [
            (name, shown.date)
            for name, shown in dates_of(shared)
            if shown.precision is Precision.DAY
        ]

        def likely(day: dt.date) -> float:
            found = math.log(1 + self._weekdays[day.weekday()])
            for name, date in exact:
                lag = (day - date).days
                if abs(lag) <= NEAR_DAYS:
                    lags = self._lags[name]
                    found += math.log((lags[lag] + 0.05) / (lags.total() + 5))
            return found

        days = candidates(one)
        random.Random(18).shuffle(days)
        return sorted(days, key=likely, reverse=True)


def numbers_a_day(certificates: list[Printed]) -> dict[int, float]:
    """Return how many formula numbers one day stands for, by year: two letters and five
    digits that rise with the date."""
    placed: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in certificates:
        if match := re.fullmatch(r"(\d{4})([A-Z])([A-Z])(\d{5})", one.proof):
            year, high, low, number = match.groups()
            pair = (ord(high) - 65) * 26 + ord(low) - 65
            place = pair * 100_000 + int(number)
            day = one.record.issue_date.timetuple().tm_yday
            placed[int(year)].append((day, place))
    return {
        year: statistics.linear_regression(*zip(*points, strict=True)).slope
        for year, points in placed.items()
        if len(points) > 10
    }


def test_rebuild():
    certificates = list(real())
    found: Counter[str] = Counter()
    days: dict[str, list[int]] = defaultdict(list)
    numbers, guessed, chance = [], Counter(), Counter()
    by_register = defaultdict(list)
    for one in certificates:
        by_register[one.record.register].append(one)
    rate = numbers_a_day(by_register[Register.SIV])
    for one in certificates:
        read = read_by(Audience.OTHERS, one.record)
        found.update(
            leaks(one, [page(read), page(read, "en"), paper(read)], document(read))
        )
        left = len(candidates(one))
        days[one.record.register].append(left)
        if one.record.register is Register.SIV and one.proof[:4].isdigit():
            numbers.append(round(left * rate.get(int(one.proof[:4]), math.nan)))
    for register, all_of_it in by_register.items():
        # Who guesses has never seen the certificate in question.
        for part in (0, 1):
            guesser = Guesser(all_of_it[1 - part :: 2])
            for one in all_of_it[part::2]:
                guesses = guesser.guesses(one)
                guessed[register] += one.record.issue_date in guesses[:GUESSES]
                chance[register] += GUESSES / len(guesses)
    figures.write(
        "rebuild",
        {
            "given away": dict(found),
            "days left": {name: figures_of(counts) for name, counts in days.items()},
            "formula numbers left (SIV)": figures_of(numbers),
            f"found by the likeliest {GUESSES} days": {
                name: {
                    "certificates": len(all_of_it),
                    "found": guessed[name],
                    "by chance": round(chance[name], 1),
                }
                for name, all_of_it in by_register.items()
            },
        },
    )
    assert found == {}
    assert min(days["SIV"]) >= 28
    assert min(days["FNI"]) >= 365
    assert min(numbers) >= 500_000
