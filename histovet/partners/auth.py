"""A partner's key → the partner and what it has used, in one statement.

What a key gives stands in its row under a MAC, so that who writes to the database
alone makes no key and widens none.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple

from histovet.statements import array_of_bytes, one_row
from histovet.vault.keys import look_anew, site_ring
from histovet.vault.reading import SEARCH, Search
from pseudonymizer.envelope import Hmac
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.normalise import PARIS

logger = logging.getLogger(__name__)

_PREFIX = "hv_"
_KEY_BYTES = 32
_KEY = re.compile(r"hv_[A-Za-z0-9_-]{43}")
# Enough to tell the keys of a list apart: 36 of 256 bits.
SHOWN_CHARACTERS = len(_PREFIX) + 6

# Hour of Paris; the night begins at midnight.
NIGHT_ENDS = 5

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class KeySuspended(Exception):
    """The key is one of ours and suspended; `why` is what its row says."""

    def __init__(self, why: str) -> None:
        super().__init__("suspended")
        self.why = why


@dataclass(slots=True)
class Use:
    """What a key has used on the UTC day `day`, this request included; the next day
    when another site's clock has begun it.

    `granted` says that a report was counted for this request: who gives none gives it
    back. The lines are those of anomalies.py, None until they are drawn.
    """

    day: dt.date
    is_night: bool
    requests: int
    window_requests: int
    granted: bool
    reports: int
    night_reports: int
    volume_line: int | None
    night_line: int | None


@dataclass(frozen=True, slots=True)
class Partner:
    """Who asks, as one of its keys says.

    `failures_today` are searches that found nothing, with any of its keys; the reports
    are those of its other keys, on the day of `use`.
    """

    key_id: int
    shown: str
    name: str
    folded_name: str
    scopes: tuple[str, ...]
    rate: str
    daily_quota: int | None
    expires_at: dt.datetime
    failures_today: int
    reports_of_others: int
    night_reports_of_others: int
    use: Use


class Terms(NamedTuple):
    """What the row of a key says and its MAC covers."""

    digest: bytes
    shown: str
    name: str
    folded_name: str
    scopes: tuple[str, ...]
    rate: str
    daily_quota: int | None
    expires_at: dt.datetime
    suspended_at: dt.datetime | None
    suspended_why: str = ""


def new_key() -> str:
    return _PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def shown_part(key: str) -> str:
    """Return the beginning by which people recognise a key."""
    return key[:SHOWN_CHARACTERS]


def folded(name: str) -> str:
    """Return what two spellings of one partner have in common."""
    return unicodedata.normalize("NFKC", name).casefold()


def active_version() -> int:
    """Return the version of the site ring under which new keys are stored."""
    return site_ring().active


def key_digest(key: str, version: int) -> bytes:
    """Return the 32 bytes stored for a key. Raises KeyRingError without the version.

    Source: SPEC.md section 10.
    """
    return _key_digest(site_ring(), key, version)


def terms_mac(terms: Terms, version: int) -> bytes:
    """Return 32 bytes. Raises KeyRingError without the version.

    Source: SPEC.md section 10.
    """
    return _terms_mac(site_ring(), terms, version)


# Of the keys that ask: a partner's second request finds its row as the first did.
@functools.lru_cache(maxsize=256)
def _terms_mac(ring: KeyRing, terms: Terms, version: int) -> bytes:
    return _keyed(ring, "partner row", version).digest(_encoded(terms))


def is_known(version: int) -> bool:
    """Tell whether the site's ring has that version."""
    if version not in site_ring().versions:
        # The row may be younger than this request's look at the ring.
        look_anew()
    return version in site_ring().versions


def terms_hold(terms: Terms, version: int, mac: bytes) -> bool:
    """Tell whether these are the terms that the site wrote."""
    # Who changed the row may have written any version.
    if not is_known(version):
        return False
    return secrets.compare_digest(terms_mac(terms, version), mac)


# The key, its terms, and one request more in one statement. A window of the rate begins
# with the second, minute or hour of the UTC day, and never goes back to one before, since
# clocks that are apart would each begin the other's anew. Nor does the day: what a clock
# that is ahead has begun is gone on with, and its first window is that of a clock that
# is still before midnight. A day is not gone on with by who is a whole one behind, or
# one wrong clock would keep every quota used up. `granted` stands in the row so that
# RETURNING tells what this very request was given, whoever counts beside it. Nobody waits
# for the disk: a crash forgets what was counted in the last half second. LIMIT, which
# changes nothing, has the planner count with one row and keep one plan; it took 0.1 ms
# to plan, twice what it takes to run.
_COUNT: LiteralString = """
    WITH key AS (
        SELECT *, %s::boolean AND %s = ANY(scopes) AS wants_report,
            %s::boolean AS is_night, left(rate, -2)::int AS rate_max,
            CASE WHEN begun > today THEN 0 ELSE
                s - s %% CASE right(rate, 1) WHEN 's' THEN 1 WHEN 'm' THEN 60 ELSE 3600 END
            END AS window_at
        FROM (SELECT %s::int AS s, %s::date AS today) AS of_the_day,
            partners_key LEFT JOIN LATERAL (
                SELECT max(day) AS begun FROM partners_use
                WHERE key_id = partners_key.id AND day BETWEEN today AND today + 1
            ) AS latest ON true
        WHERE digest = ANY(%s::bytea[])
        LIMIT 1
    ), used AS (
        UPDATE partners_use u SET
            requests = u.requests + 1,
            window_at = greatest(u.window_at, k.window_at),
            window_requests = 1 + CASE WHEN k.window_at > u.window_at
                THEN 0 ELSE u.window_requests END,
            granted = wants_report
                AND (k.window_at > u.window_at OR u.window_requests < rate_max)
                AND (daily_quota IS NULL OR u.reports < daily_quota),
            reports = u.reports + (wants_report
                AND (k.window_at > u.window_at OR u.window_requests < rate_max)
                AND (daily_quota IS NULL OR u.reports < daily_quota))::int,
            night_reports = u.night_reports + (is_night AND wants_report
                AND (k.window_at > u.window_at OR u.window_requests < rate_max)
                AND (daily_quota IS NULL OR u.reports < daily_quota))::int
        FROM key k
        WHERE u.key_id = k.id AND u.day = k.begun
            AND k.suspended_at IS NULL AND k.expires_at > %s
        RETURNING u.day, u.requests, u.window_requests, u.granted, u.reports, u.night_reports,
            u.volume_line, u.night_line
    )
    SELECT k.id, k.key_version, k.mac, set_config('synchronous_commit', 'off', true),
        of_all.*,
        k.digest, k.shown, k.name, k.folded_name, k.scopes, k.rate, k.daily_quota,
        k.expires_at, k.suspended_at, k.suspended_why, used.*
"""
_FROM: LiteralString = """
    FROM key k LEFT JOIN used ON true CROSS JOIN LATERAL (
        SELECT coalesce(sum(u.failures), 0) AS failures,
            coalesce(sum(u.reports) FILTER (WHERE u.key_id <> k.id), 0),
            coalesce(sum(u.night_reports) FILTER (WHERE u.key_id <> k.id), 0)
        FROM partners_key a JOIN partners_use u ON u.key_id = a.id
            AND u.day BETWEEN coalesce(k.begun, k.today) AND k.today + 1
        WHERE a.folded_name = k.folded_name
    ) AS of_all
"""
_ADMIT = _COUNT + _FROM
# A vehicle is looked for in the same round trip, which costs as much as all else that is
# asked, but only where nothing could still refuse: not for who is given no report, and
# with a failure today budgets are asked first. OFFSET keeps the condition before the
# search, which a join would run and then forget.
_ADMIT_AND_SEARCH = f"""{_COUNT}, found.* {_FROM} LEFT JOIN LATERAL (
        {SEARCH} WHERE used.granted AND of_all.failures = 0 OFFSET 0
    ) AS found ON true
"""
_OF_ALL = slice(4, 7)
_TERMS = slice(7, 17)
_USED = slice(17, 25)
_FOUND = slice(25, None)

# Once a day: the day of the last use is enough to find keys that nobody uses.
_BEGIN_DAY = """
    WITH begun AS (
        INSERT INTO partners_use (key_id, day) VALUES (%s, %s) ON CONFLICT DO NOTHING
    )
    UPDATE partners_key SET last_used_on = greatest(last_used_on, %s) WHERE id = %s
    RETURNING id
"""


def authenticate(
    key: str,
    now: dt.datetime,
    *,
    scope: str = "",
    wants_report: bool = False,
    search: Search | None = None,
) -> Partner | None:
    """Return the partner whose key this is, with this request counted; None when it is
    unknown, expired or its row was changed.

    With `wants_report` a report is counted too, if the key has that scope and is within
    its rate and its quota; `search` may then have its row. Raises KeySuspended.
    """
    if not _KEY.fullmatch(key):
        return None
    today, ring = now.date(), site_ring()
    second = now.hour * 3600 + now.minute * 60 + now.second
    is_night = now.astimezone(PARIS).hour < NIGHT_ENDS
    digests = array_of_bytes(_key_digest(ring, key, n) for n in ring.versions)
    statement = _ADMIT_AND_SEARCH if search else _ADMIT
    arguments = (
        *(wants_report, scope, is_night, second, today, digests, now),
        *(search.arguments if search else ()),
    )
    row = one_row(statement, arguments)
    terms = _valid_terms(row, now)
    if row is None or terms is None:
        return None
    if row[_USED][0] is None:
        one_row(_BEGIN_DAY, (row[0], today, today, row[0]))
        row = one_row(statement, arguments)
        # It may be suspended in between, and is then told so.
        terms = _valid_terms(row, now)
        if row is None or terms is None or row[_USED][0] is None:
            return None
    if search and row[_FOUND][0] is not None:
        search.row = row[_FOUND]
    failures, reports, night_reports = row[_OF_ALL]
    day, *used = row[_USED]
    return Partner(
        row[0],
        terms.shown,
        terms.name,
        terms.folded_name,
        terms.scopes,
        terms.rate,
        terms.daily_quota,
        terms.expires_at,
        failures,
        reports,
        night_reports,
        Use(day, is_night, *used),
    )


def _valid_terms(row: tuple[Any, ...] | None, now: dt.datetime) -> Terms | None:
    """Return the terms of what _ADMIT returned; None when there are none that hold.
    Raises KeySuspended."""
    if row is None:
        return None
    terms = _terms(row[_TERMS])
    if not terms_hold(terms, row[1], row[2]):
        logger.error(
            "the row of a partner's key was changed by other means than the command; "
            "see: python manage.py partner --list"
        )
        return None
    if terms.expires_at <= now:
        return None
    if terms.suspended_at is not None:
        raise KeySuspended(terms.suspended_why)
    return terms


def _terms(columns: tuple[Any, ...]) -> Terms:
    digest, shown, name, folded_name, scopes, *others = columns
    return Terms(digest, shown, name, folded_name, tuple(scopes), *others)


def _key_digest(ring: KeyRing, key: str, version: int) -> bytes:
    return _keyed(ring, "partner key", version).digest(key.encode("ascii"))


def _encoded(terms: Terms) -> bytes:
    """Each value with its length before it, the scopes, which are several, last.

    Source: SPEC.md section 10.
    """
    values = (
        terms.digest,
        terms.shown.encode(),
        terms.name.encode(),
        terms.folded_name.encode(),
        terms.rate.encode(),
        None if terms.daily_quota is None else b"%d" % terms.daily_quota,
        _microseconds(terms.expires_at),
        _suspension(terms),
        *(scope.encode() for scope in terms.scopes),
    )
    return b"".join(
        b"\0" if value is None else b"\1" + len(value).to_bytes(4, "big") + value
        for value in values
    )


def _suspension(terms: Terms) -> bytes | None:
    if terms.suspended_at is None:
        return None
    why = f" {terms.suspended_why}" if terms.suspended_why else ""
    return _microseconds(terms.suspended_at) + why.encode()


def _microseconds(moment: dt.datetime) -> bytes:
    return b"%d" % ((moment - _EPOCH) // dt.timedelta(microseconds=1))


# Two labels, of more versions than a ring needs at a time.
@functools.lru_cache(maxsize=16)
def _keyed(ring: KeyRing, label: str, version: int) -> Hmac:
    return Hmac(ring.derive(label, version=version))
