"""Keys from rotation to retirement: job and site, the database, the command line."""

import datetime as dt
import io
import json
import os
import subprocess
import sys

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from histovet.cookies import SealedCookie
from histovet.inspections.kept import KeptAnswer, Unanswered
from histovet.partners.auth import authenticate
from histovet.partners.models import PartnerKey
from histovet.sharing import links
from histovet.sharing.models import End, Link
from histovet.sharing.opening import open_link, read_link
from histovet.vault import reading, releases, withholding
from histovet.vault.errors import NoActiveRelease
from histovet.vault.models import Release
from histovet.vault.withholding import Reason
from pseudonymizer.__main__ import main
from pseudonymizer.envelope import link_id
from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.normalise import siv_identity
from pseudonymizer.records import Inspections
from tests.outside import folder_outside
from tests.publish import database_url, publish
from tests.vehicles import siv_line, write_file

IDENTITY = siv_identity("AA-123-AA", "2015AB12345")
OTHER = siv_identity("BB-456-BB", "2016CD67890")
OTHER_LINES = "SIV\nBB-456-BB\n2016CD67890\n"
OWNER = bytes(range(16))
UNKNOWN = bytes(range(100, 116))
DAY = dt.timedelta(days=1)
COOKIE = SealedCookie("seller cookie", "essai", prefix="", life_seconds=60)


@pytest.fixture
def rings(settings, monkeypatch):
    """Both rings in files of their own, in force for this job and this site."""
    with folder_outside() as folder:
        paths = {"register": folder / "register.json", "site": folder / "site.json"}
        for purpose, path in paths.items():
            monkeypatch.setenv(f"HISTOVET_{purpose.upper()}_KEYS", str(path))
        settings.REGISTER_KEYS_PATH = paths["register"]
        settings.SITE_KEYS_PATH = paths["site"]
        assert main(["keys", "init"]) == 0
        yield paths


@pytest.fixture
def keys(rings, transactional_db, monkeypatch, capsys):
    """Run `keys` with these words: return the exit code and what was told."""
    monkeypatch.setenv("DATABASE_URL", database_url())
    cache.clear()
    monkeypatch.setattr(releases, "_ready", None)

    def run(*words) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["keys", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def register(keys, tmp_path):
    """Publish the same two vehicles again, under this label."""

    def published(label: str) -> None:
        other = siv_line(plaq_immat="BB-456-BB", numero_formule="2016CD67890")
        write_file(tmp_path / label, "siv.csv.gz", [siv_line(), other])
        publish(tmp_path / label, label=label)

    return published


def given(identity=IDENTITY, *, now=None) -> bytes:
    """Return the secret of a new link."""
    made = {"life": 7 * DAY, "now": now or timezone.now()}
    return links.create(identity, reading.read(identity), OWNER, **made)


def row(secret: bytes) -> Link:
    return Link.objects.get(pk=link_id(secret))


def partner_key() -> str:
    now = timezone.now()
    terms = {"scopes": ["report_by_code"], "rate": "10/s", "daily_quota": None}
    return PartnerKey.issue(name="Essai", expires_at=now + DAY, now=now, **terms)[1]


def withheld(identity=OTHER) -> None:
    withholding.withhold(identity, Reason.OTHER, "x", now=timezone.now())


def renew(monkeypatch, lines=OTHER_LINES) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    call_command("withhold", "renew", stdout=io.StringIO())


def baked() -> HttpRequest:
    """Return a request that brings back a cookie that was just given."""
    response = HttpResponse()
    COOKIE.give(response, b"content", now=0)
    request = HttpRequest()
    request.COOKIES = {name: morsel.value for name, morsel in response.cookies.items()}
    return request


def key_versions() -> dict[str, tuple[str, int]]:
    found = Release.objects.exclude(state="dropped")
    return {r.label: (r.state, r.key_version) for r in found}


# Rotation


def test_the_next_release_takes_the_new_register_key_and_links_outlive_it(
    keys, register
):
    register("un")
    old = given()
    code, told = keys("rotate", "register")
    assert code == 0
    assert "version 2 is active, check value" in told
    between = given()
    register("deux")
    new = given()
    assert key_versions() == {"un": ("previous", 1), "deux": ("active", 2)}
    assert [row(s).holder_key_version for s in (old, between, new)] == [1, 1, 2]
    for secret in (old, between, new):
        assert open_link(secret, timezone.now()) is not None
    assert reading.read(OTHER) is not None


def test_a_key_that_is_only_added_is_not_used(keys, rings, register):
    """Links of its version would need every later release to have it."""
    code, told = keys("rotate", "register", "--inactive")
    assert code == 0
    assert "version 2 is new and not active" in told
    register("un")
    assert key_versions() == {"un": ("active", 1)}
    assert {version for version, _ in reading.read(IDENTITY).proof.tags} == {1, 2}
    assert row(given()).holder_key_version == 1
    assert keys("activate", "register", 2)[0] == 0
    register("deux")
    assert key_versions()["deux"] == ("active", 2)


def test_all_that_was_made_under_the_older_site_key_goes_on(keys, register):
    register("un")
    now = timezone.now()
    secret, key, cookie = given(), partner_key(), baked()
    withheld()
    assert keys("rotate", "site")[0] == 0
    assert open_link(secret, now) is not None
    assert open_link(UNKNOWN, now) is None
    assert authenticate(key, now) is not None
    assert COOKIE.content(cookie, now=1) == b"content"
    assert reading.read(OTHER).is_withheld
    assert len(links.owned(IDENTITY, reading.read(IDENTITY), OWNER, now)) == 1
    # And what is made from now on is under the new one.
    partner_key()
    assert row(given()).key_version == 2
    assert {row.key_version for row in PartnerKey.objects.all()} == {1, 2}
    assert COOKIE.content(baked(), now=1) == b"content"


def test_a_kept_answer_outlives_both_rotations(keys, register):
    register("un")
    now = timezone.now()
    release = reading.read(IDENTITY).release.row
    answer = KeptAnswer(IDENTITY, release)
    assert answer.claim(now, 1.0)
    answer.keep(Inspections((), None), now)
    for purpose in ("register", "site"):
        assert keys("rotate", purpose)[0] == 0
    again = reading.read(IDENTITY).release.row
    assert KeptAnswer(IDENTITY, again).read(now) == Inspections((), None)
    register("deux")
    new = reading.read(IDENTITY).release.row
    assert KeptAnswer(IDENTITY, new).read(now) is Unanswered.ABSENT


def test_a_change_of_the_file_that_cannot_be_read_leaves_the_site_its_ring(
    keys, rings, register, caplog
):
    register("un")
    secret = given()
    whole = rings["site"].read_bytes()
    for content, mode in ((b"{", 0o600), (whole, 0o644)):
        rings["site"].write_bytes(content)
        rings["site"].chmod(mode)
        caplog.clear()
        for _ in range(3):
            assert open_link(secret, timezone.now()) is not None
        (line,) = [r.getMessage() for r in caplog.records if r.name.endswith(".keys")]
        assert line.endswith("the ring that was read before stays in use")
    rings["site"].unlink()
    assert open_link(secret, timezone.now()) is not None
    rings["site"].write_bytes(whole)
    rings["site"].chmod(0o600)
    caplog.clear()
    assert open_link(secret, timezone.now()) is not None
    assert not caplog.records


# A process of the site that started before, and goes on

SITE = """
import sys
import django
django.setup()
from django.utils import timezone
from histovet.cookies import SealedCookie
from histovet.partners.auth import authenticate
from histovet.sharing.opening import read_link
from histovet.vault import reading
from pseudonymizer.normalise import siv_identity
from django.http import HttpRequest
identity = siv_identity("AA-123-AA", "2015AB12345")
other = siv_identity("BB-456-BB", "2016CD67890")
cookie = SealedCookie("seller cookie", "essai", prefix="", life_seconds=60)
for line in sys.stdin:
    what, _, value = line.strip().partition(" ")
    now = timezone.now()
    if what == "link":
        found = read_link(bytes.fromhex(value), now)
        print("open" if found else "nothing", flush=True)
    elif what == "partner":
        print("known" if authenticate(value, now) else "unknown", flush=True)
    elif what == "cookie":
        request = HttpRequest()
        name, _, request.COOKIES[name] = value.partition("=")
        print(cookie.content(request, now=1), flush=True)
    elif what == "withheld":
        print(reading.read(other).is_withheld, flush=True)
    elif what == "read":
        import threading
        done = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.readline(), done.set())).start()
        secret, labels, count = bytes.fromhex(value), set(), 0
        last_round = False
        while not last_round:
            # A round after the word to stop sees the release that came last.
            last_round = done.is_set()
            labels.add(reading.read(identity).release.row.label)
            assert read_link(secret, timezone.now()) is not None
            count += 1
            if count == 1:
                print("reading", flush=True)
        print(count, *sorted(labels), sep="|", flush=True)
"""


@pytest.fixture
def site(keys, rings):
    """A process of the site: send it a line, it answers with one."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "histovet.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", SITE],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(line: str) -> str:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    yield ask
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


def cookie_of(request: HttpRequest) -> str:
    ((name, value),) = request.COOKIES.items()
    return f"{name}={value}"


def test_a_process_from_before_serves_old_and_new_without_a_restart(
    keys, register, site
):
    register("un")
    old, old_key, old_cookie = given(), partner_key(), cookie_of(baked())
    assert site(f"link {old.hex()}") == "open"
    assert site("withheld") == "False"
    for purpose in ("site", "register"):
        assert keys("rotate", purpose)[0] == 0
    withheld()
    new, new_key, new_cookie = given(), partner_key(), cookie_of(baked())
    assert site("withheld") == "True"
    register("deux")
    newest = given()
    assert (row(newest).key_version, row(newest).holder_key_version) == (2, 2)
    for secret in (old, new, newest):
        assert site(f"link {secret.hex()}") == "open"
    assert site(f"link {UNKNOWN.hex()}") == "nothing"
    for key in (old_key, new_key):
        assert site(f"partner {key}") == "known"
    for cookie in (old_cookie, new_cookie):
        assert site(f"cookie {cookie}") == "b'content'"
    assert site("withheld") == "True"


def test_no_report_is_missing_while_both_keys_change(keys, register, site):
    register("un")
    secret = given()
    assert site(f"read {secret.hex()}") == "reading"
    for number in range(2, 5):
        for purpose in ("register", "site"):
            assert keys("rotate", purpose)[0] == 0
        register(f"essai {number}")
        given()
    count, *labels = site("stop").split("|")
    assert int(count) > 20
    assert {"un", "essai 4"} <= set(labels)
    assert key_versions()["essai 4"] == ("active", 4)


# What depends on a key


def test_the_list_tells_versions_check_values_and_what_depends_on_each(
    keys, rings, register
):
    register("un")
    given()
    withheld()
    partner_key()
    keys("rotate", "site")
    keys("rotate", "register")
    register("deux")
    register_ring = KeyRing.read(rings["register"], "register")
    site_ring = KeyRing.read(rings["site"], "site")
    code, told = keys("list")
    assert code == 0
    check = {
        (ring.purpose, version): ring.check_value(version).hex()
        for ring in (register_ring, site_ring)
        for version in (1, 2)
    }
    assert told.splitlines() == [
        f"register key ring: {rings['register']} (mode 0600)",
        (
            f"  version 1          check value {check['register', 1]}"
            "  1 previous release(s), 1 live link(s)"
        ),
        f"  version 2  active  check value {check['register', 2]}  1 active release(s)",
        f"site key ring: {rings['site']} (mode 0600)",
        (
            f"  version 1          check value {check['site', 1]}"
            "  1 withheld vehicle(s), 1 live link(s), 1 partner key(s)"
        ),
        f"  version 2  active  check value {check['site', 2]}  nothing depends on it",
    ]


def test_the_list_tells_a_version_that_the_ring_lacks(keys, rings, register):
    register("un")
    rings["register"].unlink()
    main(["keys", "init", "--register", str(rings["register"])])
    keys("rotate", "register")
    keys("rotate", "register")
    assert keys("retire", "register", 2)[0] == 0
    Release.objects.update(key_version=2)
    assert "version 2  MISSING from this ring  1 active" in keys("list", "register")[1]


def test_without_a_database_the_list_tells_the_rings(keys, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    code, told = keys("list", "site")
    assert code == 0
    assert "version 1  active  check value" in told
    assert "depends" not in told and "register" not in told


def test_a_key_in_use_is_not_retired(keys, rings, register):
    register("un")
    given()
    withheld()
    partner_key()
    keys("rotate", "site")
    keys("rotate", "register")
    before = {purpose: path.read_bytes() for purpose, path in rings.items()}
    code, told = keys("retire", "register", 1)
    assert code == 7
    for word in ("1 active release(s) (publish", "1 live link(s) (wait"):
        assert word in told
    register("deux")
    code, told = keys("retire", "register", 1)
    assert code == 7
    assert "1 previous release(s) (publish another" in told
    code, told = keys("retire", "site", 1)
    assert code == 7
    for word in ("1 live link(s)", "1 partner key(s)", "1 withheld vehicle(s)"):
        assert word in told
    for purpose, path in rings.items():
        assert path.read_bytes() == before[purpose]
        code, told = keys("retire", purpose, 2)
        assert (code, "is active; first run" in told) == (3, True)


def test_a_key_that_nothing_depends_on_is_retired(keys, rings, register, monkeypatch):
    register("un")
    long_ago = timezone.now() - 30 * DAY
    over, ended = given(now=long_ago), given()
    withheld()
    partner_key()
    for purpose in ("register", "site"):
        keys("rotate", purpose)
    register("deux")
    register("trois")
    Link.objects.filter(pk=link_id(ended)).end(End.REVOKED_BY_OWNER, timezone.now())
    for one in PartnerKey.objects.all():
        one.suspend(timezone.now())
    renew(monkeypatch)
    new = given()
    for purpose, path in rings.items():
        code, told = keys("retire", purpose, 1)
        assert (code, told) == (
            0,
            f"{purpose} key ring {path}: version 1 is retired\n",
        )
        assert KeyRing.read(path, purpose).versions == (2,)
    # The site goes on, without a restart.
    assert open_link(new, timezone.now()) is not None
    assert open_link(UNKNOWN, timezone.now()) is None
    assert open_link(over, timezone.now()) is None
    assert reading.read(OTHER).is_withheld
    call_command("end_links", stdout=io.StringIO())
    assert row(over).why_ended is End.EXPIRED


def test_every_column_that_names_a_version_is_asked(db):
    """A table that is not asked would have its keys retired under it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name || '.' || column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name LIKE '%key_version'"
        )
        found = {name for (name,) in cursor.fetchall()}
    assert found == {
        "vault_release.key_version",
        "vault_withheld.key_version",
        "sharing_link.key_version",
        "sharing_link.holder_key_version",
        "partners_key.key_version",
        "operators_account.key_version",
        # Not asked: an entry of the trail vouches for what is past, and a key that is
        # retired only leaves it unread (histovet/audit/trail.py).
        "audit_entry.key_version",
    }


def test_the_ring_of_another_purpose_has_nothing_to_end(keys, register):
    register("un")
    with connection.cursor() as cursor:
        for room in ("vault", "sharing", "partners", "operators"):
            cursor.execute(f"SELECT * FROM {room}_key_uses('another')")
            assert cursor.fetchall() == []


# Compromised


def test_a_compromised_site_key_ends_what_depends_on_it(
    keys, rings, register, monkeypatch
):
    register("un")
    secret, key = given(), partner_key()
    withheld()
    keys("rotate", "site")
    kept, kept_key = given(), partner_key()
    code, told = keys("retire", "site", 1, "--compromised", "--yes")
    assert code == 7
    assert "nothing was ended: 1 withheld vehicle(s) (run: python manage.py" in told
    renew(monkeypatch)
    code, told = keys("retire", "site", 1, "--compromised")
    assert code == 7
    assert "give --yes" in told
    assert row(secret).ended_at is None
    code, told = keys("retire", "site", 1, "--compromised", "--yes")
    assert code == 0
    assert "ended: 1 live link(s)\nended: 1 partner key(s)\n" in told
    ended = row(secret)
    assert (ended.why_ended, ended.capsule, ended.keepsake) == (
        End.KEY_COMPROMISED,
        None,
        None,
    )
    now = timezone.now()
    assert open_link(secret, now) is None
    assert authenticate(key, now) is None
    assert open_link(kept, now) is not None
    assert authenticate(kept_key, now) is not None
    assert reading.read(OTHER).is_withheld
    states = [r.state(now) for r in PartnerKey.objects.order_by("key_version")]
    assert states == ["suspended", "live"]
    assert KeyRing.read(rings["site"], "site").versions == (2,)


def test_a_partner_key_that_was_ended_stays_so_when_the_ring_comes_back(
    keys, rings, register
):
    register("un")
    key, before = partner_key(), rings["site"].read_bytes()
    keys("rotate", "site")
    assert keys("retire", "site", 1, "--compromised", "--yes")[0] == 0
    rings["site"].write_bytes(before)
    assert authenticate(key, timezone.now()) is None
    assert PartnerKey.objects.get().state(timezone.now()) == "changed"


def test_a_compromised_register_key_ends_its_links_and_drops_its_releases(
    keys, rings, register
):
    register("un")
    secret = given()
    keys("rotate", "register")
    code, told = keys("retire", "register", 1, "--compromised", "--yes")
    assert code == 7
    assert "1 active release(s) (publish a full feed" in told
    assert "or give --take-offline" in told
    assert read_link(secret, timezone.now()) is not None, "nothing was ended"
    register("deux")
    kept = given()
    code, told = keys("retire", "register", 1, "--compromised", "--yes")
    assert code == 0
    assert "this ends 1 previous release(s), 1 live link(s), for good" in told
    assert "ended: 1 live link(s)\nended: 1 previous release(s)\n" in told
    assert row(secret).why_ended is End.KEY_COMPROMISED
    assert open_link(kept, timezone.now()) is not None
    assert key_versions() == {"deux": ("active", 2)}
    dropped = Release.objects.get(label="un")
    assert (dropped.state, bytes(dropped.salt)) == ("dropped", bytes(32))
    assert KeyRing.read(rings["register"], "register").versions == (2,)


def test_the_active_release_is_taken_away_when_the_operator_says_so(keys, register):
    register("un")
    keys("rotate", "register")
    arguments = ("--compromised", "--take-offline", "--yes")
    code, told = keys("retire", "register", 1, *arguments)
    assert code == 0
    assert "ended: 1 active release(s)" in told
    with pytest.raises(NoActiveRelease):
        reading.read(IDENTITY)
    register("deux")
    assert reading.read(IDENTITY) is not None


def test_a_key_is_not_retired_while_a_release_is_built(keys, register, monkeypatch):
    register("un")
    keys("rotate", "register")
    monkeypatch.setattr("pseudonymizer.load.LOCK_WAIT_MILLISECONDS", 50)
    with connection.cursor() as cursor:
        number = int.from_bytes(b"histovet", "big")
        cursor.execute("SELECT pg_advisory_lock(%s)", [number])
        try:
            code, told = keys("retire", "register", 1, "--compromised", "--yes")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
    assert (code, "[ingest_running]" in told) == (65, True)


@pytest.mark.parametrize(("typed", "code"), [("yes", 0), ("y", 7), ("", 7)])
def test_a_terminal_is_asked_before_anything_is_ended(
    keys, register, monkeypatch, typed, code
):
    register("un")
    secret = given()
    keys("rotate", "site")
    stdin = io.StringIO(typed + "\n")
    stdin.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", stdin)
    ended, told = keys("retire", "site", 1, "--compromised")
    assert ended == code
    assert "this ends 1 live link(s), for good" in told
    assert (row(secret).ended_at is None) is (code == 7)


def test_a_new_ring_is_written_elsewhere_and_the_old_one_stays(keys, rings, tmp_path):
    before = rings["site"].read_bytes()
    out = tmp_path / "new.json"
    assert keys("rotate", "site", "--out", out)[0] == 0
    assert rings["site"].read_bytes() == before
    assert KeyRing.read(out, "site").versions == (1, 2)
    code, told = keys("rotate", "site", "--out", out)
    assert (code, "exists and is kept" in told) == (3, True)
    assert KeyRing.read(out, "site").versions == (1, 2)


def test_no_command_shows_a_key(keys, rings, register):
    register("un")
    told = ""
    for words in (
        ("rotate", "site"),
        ("rotate", "register", "--inactive"),
        ("activate", "register", "2"),
        ("list",),
        ("retire", "site", "1"),
    ):
        told += keys(*words)[1]
    held = [json.loads(path.read_bytes()) for path in rings.values()]
    assert not any(key["key"] in told for ring in held for key in ring["keys"])


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("retire", "site", "1"), 3, "is active; first run"),
        (("retire", "site", "7"), 3, "has no version 7"),
        (("activate", "site", "7"), 3, "has no version 7"),
        (("retire", "site", "1", "--take-offline"), 2, "goes with --compromised"),
    ],
)
def test_what_cannot_be_is_refused(keys, words, code, why):
    ended, told = keys(*words)
    assert (ended, why in told) == (code, True)


@pytest.mark.parametrize(
    "words", [("rotate", "site"), ("list",), ("retire", "site", 1)]
)
def test_without_a_ring_the_variable_is_named(keys, monkeypatch, words):
    monkeypatch.delenv("HISTOVET_SITE_KEYS")
    monkeypatch.delenv("HISTOVET_REGISTER_KEYS")
    code, told = keys(*words)
    assert (code, "HISTOVET_SITE_KEYS" in told) == (3, True)


def test_only_the_owner_of_the_tables_may_ask(keys, register, monkeypatch):
    register("un")
    keys("rotate", "site")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE histovet_stranger LOGIN")
    try:
        url = database_url()
        separator = "&" if "?" in url else "?"
        stranger = f"{url}{separator}options=-c%20role%3Dhistovet_stranger"
        monkeypatch.setenv("DATABASE_URL", stranger)
        for words in (("list",), ("retire", "site", 1)):
            code, told = keys(*words)
            assert (code, "put the owner of the tables" in told) == (6, True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP ROLE histovet_stranger")


def test_a_database_of_before_says_what_to_run(keys, register):
    with connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION sharing_key_uses(text) RENAME TO gone")
    try:
        code, told = keys("list")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER FUNCTION gone(text) RENAME TO sharing_key_uses")
    assert (code, "python manage.py migrate" in told) == (6, True)


# A release that was made with another ring


def test_a_release_without_the_tags_of_a_link_is_a_fault_and_ends_no_link(
    keys, rings, register, caplog
):
    register("un")
    before = rings["register"].read_bytes()
    keys("rotate", "register")
    register("deux")
    secret = given()
    after = rings["register"].read_bytes()
    # As a job with an older copy of the ring would.
    rings["register"].write_bytes(before)
    register("trois")
    rings["register"].write_bytes(after)
    now = timezone.now()
    for act in (read_link, open_link):
        with pytest.raises(KeyRingError, match="no holder tags of version 2"):
            act(secret, now)
    (owned,) = links.owned(IDENTITY, reading.read(IDENTITY), OWNER, now)
    assert (owned.secret, owned.end) == (None, None)
    assert row(secret).ended_at is None
    register("quatre")
    assert open_link(secret, now) is not None
