"""The job and its PostgreSQL disturbed at any moment: make proofs ONLY=kills.

After each disturbance the same command is run again until it ends well; the release then
opens to what one that was never disturbed opens to, and a reader got whole answers all
the time. As root the server has a disk of its own to be filled, and the network can go
silent; otherwise those rounds are left out and the size of files is limited alone.
Another SEED draws other moments.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from histovet.local.state import REPOSITORY
from pseudonymizer import exit_codes
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.load import ReleaseState, Vault
from tests.proofs import figures
from tests.proofs.kills import feeds, network
from tests.proofs.kills.cluster import Cluster, cluster
from tests.proofs.kills.jobs import Job
from tests.proofs.kills.opened import Content, content, probe

pytestmark = pytest.mark.proof

SEED = 20260601
ROUNDS_MIN = 30

FULL, DELTA, ROLLBACK = "full", "delta", "rollback"

JOB, WORKER = "job killed", "worker killed"
POSTMASTER, BACKEND = "postmaster killed", "backend killed"
TERMINATED, RESET = "backend terminated", "connection reset"
SILENT, SILENT_LONG = "network silent", "network silent, our own limits"
DISK, LIMITED = "disk full", "file size limited"

# A moment is a stage that the job says it begins; or None, any share of its duration; or
# that the old release waits to be dropped; or that the one statement which switches from
# one release to the other is under way.
ACTIVATED, SWITCH = "activated", "switch"
PLAN = [
    (FULL, JOB, None, 4), (FULL, JOB, "index", 2), (FULL, JOB, "duplicates", 1),
    (FULL, JOB, "check", 1), (FULL, JOB, ACTIVATED, 1),
    (FULL, WORKER, "load", 2),
    (FULL, POSTMASTER, None, 1), (FULL, POSTMASTER, "index", 1),
    (FULL, POSTMASTER, ACTIVATED, 1),
    (FULL, BACKEND, "load", 1), (FULL, BACKEND, "index", 1),
    (FULL, TERMINATED, None, 1), (FULL, TERMINATED, ACTIVATED, 1),
    (FULL, RESET, "load", 1), (FULL, SILENT, "load", 1), (FULL, SILENT_LONG, "load", 1),
    (FULL, DISK, "load", 1), (FULL, DISK, "index", 1), (FULL, DISK, "duplicates", 1),
    (FULL, LIMITED, "load", 1), (FULL, LIMITED, "check", 1),
    (DELTA, JOB, None, 1), (DELTA, JOB, "apply", 1), (DELTA, JOB, "check", 1),
    (DELTA, POSTMASTER, None, 1), (DELTA, POSTMASTER, "apply", 1),
    (DELTA, BACKEND, "apply", 1), (DELTA, TERMINATED, "apply", 1),
    (DELTA, RESET, "apply", 1), (DELTA, SILENT, "apply", 1), (DELTA, DISK, "apply", 2),
    (DELTA, LIMITED, "apply", 1),
    (FULL, JOB, SWITCH, 2), (FULL, TERMINATED, SWITCH, 1), (FULL, POSTMASTER, SWITCH, 1),
    (ROLLBACK, JOB, None, 1), (ROLLBACK, JOB, SWITCH, 2), (ROLLBACK, TERMINATED, SWITCH, 1),
    (ROLLBACK, POSTMASTER, SWITCH, 1),
]  # fmt: skip

FAILED = exit_codes.OF_CLASS[exit_codes.DatabaseFailed]
WORKER_DIED = exit_codes.RELEASE["worker_died"].number
RUNNING = exit_codes.RELEASE["ingest_running"].number
KILLED = -signal.SIGKILL
ENDS = {JOB: KILLED, WORKER: WORKER_DIED}
# Another is holding what the dead one held, or PostgreSQL is still recovering.
MAY_END_AGAIN = {0, RUNNING, FAILED}

SHORT_SILENCE = (
    "connect_timeout=5&keepalives_idle=2&keepalives_interval=1&tcp_user_timeout=6000"
)
LONGEST_SECONDS = 240
# Jobs that ended before the moment of a round, or in spite of it.
MISSED_MAX = 8
# Of the site, after PostgreSQL is there again.
HEALED_SECONDS = 10
PORT = 5432


@dataclasses.dataclass
class Round:
    """One disturbance; times are seconds."""

    target: str
    kind: str
    moment: str | None
    share: float = 0.0
    stage: str = ""
    code: int = 0
    codes_again: list[int] = dataclasses.field(default_factory=list)
    seconds_to_end: float = 0.0
    seconds_again: float = 0.0
    orphan_bytes: int = 0
    was_down: bool = False


class Reader:
    """The site's own reading in a process of its own, and what it found."""

    def __init__(self, path: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.kills.asking", str(path)],
            env=environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            # The pool says each time that it cannot connect.
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.answers, self.slowest = 0, 0.0
        self.wrong: list[str] = []
        self.errors: list[tuple[float, str]] = []
        self.seen: set[str] = set()
        self._last = 0.0
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def assert_answers(self) -> None:
        """Wait for answers from after this moment, and that none was wrong."""
        now, deadline = time.monotonic(), time.monotonic() + 30
        while self._last < now + 0.5:
            assert self._process.poll() is None, "the reader ended"
            assert time.monotonic() < deadline, "the site does not answer any more"
            time.sleep(0.05)
        assert self.wrong == []

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def _follow(self) -> None:
        with self._process.stdout as stream:
            for text in stream:
                found = json.loads(text)
                if "wrong" in found:
                    self.wrong.append(found["wrong"])
                elif "error" in found:
                    self.errors.append((found["at"], found["error"]))
                elif found["answers"]:
                    self.answers += found["answers"]
                    self.slowest = max(self.slowest, found["slowest"])
                    self.seen |= set(found["seen"])
                    self._last = found["at"]


class World:
    """The register, its server, and what is known of releases never disturbed."""

    def __init__(self, folder: Path, server: Cluster, rng: random.Random) -> None:
        self.folder, self.server, self.rng = folder, server, rng
        self.environment = {**os.environ, "DATABASE_URL": server.url}
        self.ring = KeyRing.read(Path(os.environ["HISTOVET_REGISTER_KEYS"]), "register")
        self.variants = feeds.make(folder)
        self.named = feeds.named(self.variants)
        self.expected: dict[str, Content] = {}
        self.durations: dict[str, float] = {}
        self.downs: list[tuple[float, float]] = []
        self.number = 0
        self.relay = network.Relay(server.address, PORT)
        self._django("migrate", "--verbosity", "0")
        self.watch = self.connect()

    def _django(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            cwd=REPOSITORY,
            check=True,
        )

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url, autocommit=True)

    def close(self) -> None:
        self.relay.close()
        self.watch.close()

    # What is done

    def states(self) -> list[ReleaseState]:
        with Vault(self.server.url) as vault:
            return vault.releases()

    def active(self) -> ReleaseState:
        (found,) = (state for state in self.states() if state.state == "active")
        return found

    def command(self, target: str) -> list[str]:
        """Return the command of a new delivery."""
        self.number += 1
        if target == ROLLBACK:
            return ["releases", "rollback"]
        if target == FULL:
            # The other one than what is active, so that readers see a difference.
            active = [s for s in self.states() if s.state == "active"]
            names = [state.release.label.split()[0] for state in active]
            (variant, *_) = (v for v in self.variants if v.name not in names)
            manifest = variant.full(self.folder, self.number)
            workers = ["--workers", "2"]
            return [
                *("ingest", str(variant.folder), "--manifest", str(manifest)),
                *workers,
            ]
        release = self.active().release
        name = release.label.split()[0]
        (variant,) = (v for v in self.variants if v.name == name)
        last = release.delta_sha256 or release.manifest_sha256
        manifest = variant.delta(self.folder, self.number, last)
        return ["ingest", str(variant.delta_folder), "--manifest", str(manifest)]

    def start(self, command: list[str], url: str | None = None) -> Job:
        return Job(command, self.environment, url or self.server.url)

    def undisturbed(self, target: str) -> float:
        """Run a new delivery to its end; return the seconds that it took."""
        job = self.start(self.command(target))
        assert job.wait(LONGEST_SECONDS) == 0, job.errors
        return job.ended - job.began

    def learn(self) -> dict[str, list[str | None]]:
        """Publish each state once; return what the probes open to in it."""
        found: dict[str, dict[tuple[bool, bytes], str]] = {}
        took = defaultdict(list)
        for target in (FULL, DELTA, FULL, DELTA):
            took[target].append(self.undisturbed(target))
            state = self.state_name()
            self.expected[state], found[state] = self._content()
        took[ROLLBACK].append(self.undisturbed(ROLLBACK))
        self.durations = {target: statistics.mean(t) for target, t in took.items()}
        one, two, delta = found["one/0"], found["two/0"], found["one/1"]
        records = [key for key in self.named if not key[0]]
        self.rng.shuffle(records)
        kinds: list[Callable[[tuple[bool, bytes]], bool]] = [
            lambda key: all(key in state for state in found.values()),
            lambda key: key in one and key not in delta,
            lambda key: key not in one and key in delta,
            lambda key: key in one and key not in two,
            lambda key: key in one and delta.get(key, one[key]) != one[key],
        ]
        chosen = []
        for kind in kinds:
            some = [key for key in records if kind(key)][:12]
            assert len(some) == 12
            chosen += some
        self.rng.shuffle(chosen)
        asked = {
            "identities": [probe(self.named[key]) for key in chosen],
            "expected": {
                state: [records.get(key) for key in chosen]
                for state, records in found.items()
            },
        }
        (self.folder / "asked.json").write_text(json.dumps(asked))
        return asked["expected"]

    def state_name(self) -> str:
        release = self.active().release
        return f"{release.label.split()[0]}/{release.edition}"

    def _content(self) -> tuple[Content, dict[tuple[bool, bytes], str]]:
        release = self.active().release
        return content(self.watch, self.ring, release, self.named)

    # What is looked at

    def backends(self) -> list[int]:
        return [
            pid
            for (pid,) in self.watch.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name ="
                " 'pseudonymizer' AND datname = current_database() ORDER BY pid"
            )
        ]

    def has_retired(self) -> bool:
        row = self.watch.execute(
            "SELECT count(*) FROM vault_release WHERE state = 'retired'"
        ).fetchone()
        return row[0] > 0

    def is_switching(self) -> bool:
        row = self.watch.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND application_name = 'pseudonymizer'"
            " AND query LIKE 'UPDATE vault_release SET%'"
        ).fetchone()
        return row[0] > 0

    def wait_until_alone(self) -> None:
        """The sessions of a killed job end when the server notices."""
        deadline = time.monotonic() + 10
        while self.backends():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def reconnected(self, since: float) -> bool:
        """Tell whether PostgreSQL went down, and note until when."""
        try:
            self.watch.execute("SELECT 1")
            return False
        except psycopg.OperationalError:
            self.watch.close()
        deadline = time.monotonic() + 60
        while True:
            try:
                self.watch = self.connect()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL does not come back"
                time.sleep(0.05)
        self.downs.append((since, time.monotonic()))
        return True

    def assert_whole(self, told: Round) -> None:
        """The active release is that of one never disturbed, and nothing else is left."""
        states = Counter(state.state for state in self.states())
        assert (states["active"], states["building"], states["failed"]) == (1, 0, 0)
        assert (states["previous"], states["retired"]) == (1, 0)
        kept = {
            f"vault_record_{state.release.number}"
            for state in self.states()
            if state.state in ("active", "previous")
        }
        partitions = {
            name
            for (name,) in self.watch.execute(
                "SELECT relname FROM pg_class WHERE relname ~ '^vault_record_[0-9]+$'"
            )
        }
        assert partitions == kept
        assert self._content()[0] == self.expected[self.state_name()]
        row = self.watch.execute("SELECT count(*) FROM pg_ls_tmpdir()").fetchone()
        assert row == (0,)
        deadline = time.monotonic() + 10
        # Those of a session that ends at this moment.
        while found := self.server.temporary_files():
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        told.orphan_bytes = self.server.orphan_bytes(self.watch)


def assert_told(job: Job, code: int) -> None:
    """What a job said when it ended so: one clear line, and nothing of a success."""
    assert "Traceback" not in job.errors, job.errors
    errors = [line for line in job.errors.splitlines() if line.startswith("error")]
    if code == 0:
        assert errors == []
        return
    assert job.output == ""
    if code == KILLED:
        assert errors == []
        return
    assert len(errors) == 1, job.errors
    assert errors[0] == job.errors.splitlines()[-1]
    assert ("same command" in errors[0]) or ("check DATABASE_URL" in errors[0])


# Disturbing


def wait_for(world: World, job: Job, told: Round, scale: float) -> bool:
    """Wait for the moment of a round; false when the job ended before it."""
    duration = world.durations[told.target]
    if told.moment is None:
        told.share = world.rng.uniform(0.05, 0.95) * scale
        pause = told.share * duration
        deadline = job.began + pause
        while job.code is None and time.monotonic() < deadline:
            time.sleep(0.002)
    else:
        reached: Callable[[], bool] = lambda: job.stage == told.moment
        if told.moment == ACTIVATED:
            reached = world.has_retired
        elif told.moment == SWITCH:
            reached = world.is_switching
        while job.code is None and not reached():
            time.sleep(0.001)
        if told.moment in ("load", "apply"):
            # Somewhere within it.
            time.sleep(world.rng.uniform(0.0, 0.25) * duration * scale)
    told.stage = told.moment if told.moment in (ACTIVATED, SWITCH) else job.stage
    if told.kind == WORKER:
        return job.code is None and len(job.workers()) > 0
    if told.kind in (BACKEND, TERMINATED):
        return job.code is None and len(world.backends()) > 0
    if told.kind in (RESET, SILENT, SILENT_LONG):
        return job.code is None and job.stage not in ("start",)
    return job.code is None


def act(world: World, job: Job, told: Round, after: contextlib.ExitStack) -> None:
    """Disturb; what has to be repaired before the same command can end well is put
    on `after`."""
    rng, server = world.rng, world.server
    match told.kind:
        case "job killed":
            job.kill(with_workers=rng.random() < 0.5)
        case "worker killed":
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(job.workers()), signal.SIGKILL)
        case "postmaster killed":
            server.kill()
            after.callback(server.start)
            after.callback(time.sleep, rng.uniform(0, 1.5))
        case "backend killed":
            # PostgreSQL ends every session then, and recovers by itself.
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(world.backends()), signal.SIGKILL)
        case "backend terminated":
            chosen = rng.choice(world.backends())
            world.watch.execute("SELECT pg_terminate_backend(%s)", (chosen,))
        case "connection reset":
            world.relay.cut()
        case "network silent" | "network silent, our own limits":
            after.enter_context(network.silence(server.address))
        case "disk full":
            server.fill(rng.randrange(0, 6_000_000) if rng.random() < 0.5 else 0)
            after.callback(server.start)
            after.callback(server.give_back)
        case "file size limited":
            # An activation writes little, and to the log first.
            most = 100_000 if told.moment == "check" else 8_000_000
            server.limit_files(rng.randrange(most))
            after.callback(server.start)
            after.callback(server.lift_limits)


def url_of(world: World, kind: str) -> str | None:
    if kind == RESET:
        return world.server.tcp_url("127.0.0.1", world.relay.port)
    if kind == SILENT:
        return world.server.tcp_url(world.server.address, PORT, SHORT_SILENCE)
    if kind == SILENT_LONG:
        return world.server.tcp_url(world.server.address, PORT)
    return None


@contextlib.contextmanager
def slowed(world: World, told: Round) -> Iterator[None]:
    """Hold the job up at its moment, where that is too short to be met."""
    if told.moment not in (ACTIVATED, SWITCH):
        yield
        return
    other = psycopg.connect(world.server.url)
    try:
        if told.moment == SWITCH:
            other.execute("SELECT FROM vault_release WHERE state = 'active' FOR UPDATE")
        else:
            # As a backup does with the release that is to be dropped.
            (number,) = (
                s.release.number for s in world.states() if s.state == "previous"
            )
            other.execute(f"SELECT count(*) FROM vault_record_{number}")
        yield
    finally:
        other.close()


def disturbed(world: World, told: Round) -> tuple[list[str], str]:
    """Run a new delivery and disturb it, until the disturbance came in time; return
    the command, and the state of before."""
    scale, missed = 1.0, 0
    while True:
        before = world.state_name()
        command = world.command(told.target)
        with contextlib.ExitStack() as after:
            with slowed(world, told):
                job = world.start(command, url_of(world, told.kind))
                after.callback(job.end)
                hit = wait_for(world, job, told, scale)
                began = time.monotonic()
                if hit:
                    act(world, job, told, after)
                told.code = job.wait(LONGEST_SECONDS)
            told.seconds_to_end = time.monotonic() - began
            assert_told(job, told.code)
            if told.kind in (SILENT, SILENT_LONG):
                # By another way: what the silent one holds at the server has to go.
                again(world, told, command)
        told.was_down = world.reconnected(began)
        if hit and told.code != 0:
            assert told.code == ENDS.get(told.kind, FAILED), (told, job.errors)
            return command, before
        if told.code != 0:
            assert world.start(command).wait(LONGEST_SECONDS) == 0
        world.reconnected(began)
        missed += 1
        assert missed < MISSED_MAX, f"{told} never came in time"
        told.codes_again.clear()
        scale *= 0.8
        if told.target == DELTA:
            world.undisturbed(FULL)


def again(world: World, told: Round, command: list[str]) -> None:
    began = time.monotonic()
    while True:
        job = world.start(command)
        code = job.wait(LONGEST_SECONDS)
        assert_told(job, code)
        told.codes_again.append(code)
        told.seconds_again = time.monotonic() - began
        if code == 0:
            return
        assert code in MAY_END_AGAIN, job.errors
        assert told.seconds_again < LONGEST_SECONDS
        time.sleep(0.5)


def one_round(world: World, told: Round) -> None:
    if told.target == DELTA and world.active().release.edition:
        world.undisturbed(FULL)
    command, before = disturbed(world, told)
    if told.target == ROLLBACK:
        # The same command twice goes forward again: it is run when it was not done.
        world.wait_until_alone()
        if world.state_name() == before:
            again(world, told, command)
        assert world.state_name() != before
    elif not told.codes_again:
        again(world, told, command)
    world.assert_whole(told)


def plan(rng: random.Random) -> list[Round]:
    able = {
        DISK: os.geteuid() == 0,
        SILENT: network.can_be_silent(),
        SILENT_LONG: network.can_be_silent(),
    }
    rounds = [
        Round(target, kind, moment)
        for target, kind, moment, count in PLAN
        for _ in range(count)
        if able.get(kind, True)
    ]
    rng.shuffle(rounds)
    # A delta needs a release without one: each behind a full feed saves another.
    full = [told for told in rounds if told.target == FULL]
    others = [told for told in rounds if told.target != FULL]
    pairs = itertools.zip_longest(full, others)
    return [told for pair in pairs for told in pair if told is not None]


def assert_answered(reader: Reader, downs: list[tuple[float, float]]) -> float:
    """No error but while PostgreSQL was down; return the longest time of healing."""
    healing = 0.0
    for at, error in reader.errors:
        ended = [end for begin, end in downs if begin <= at <= end + HEALED_SECONDS]
        assert ended, f"{error} while PostgreSQL was there"
        healing = max(healing, min(at - end for end in ended))
    return healing


def test_kills(tmp_path):
    rng = random.Random(SEED)
    print(f"\nseed {SEED}")
    state = tmp_path / "s"
    state.mkdir()
    rounds = plan(rng)
    with cluster(state) as server:
        world = World(tmp_path, server, rng)
        try:
            world.learn()
            print("undisturbed seconds", world.durations)
            reader = Reader(tmp_path / "asked.json", world.environment)
            try:
                reader.assert_answers()
                for number, told in enumerate(rounds, 1):
                    one_round(world, told)
                    reader.assert_answers()
                    print(number, line(told), flush=True)
            finally:
                reader.end()
            healing = assert_answered(reader, world.downs)
        finally:
            world.close()
    report(world, rounds, reader, healing)
    assert len(rounds) >= ROUNDS_MIN


def line(told: Round) -> str:
    when = told.stage + (f" at {told.share:.0%}" if told.share else "")
    return (
        f"{told.target}, {told.kind}, in {when}: {told.code} after "
        f"{told.seconds_to_end:.1f} s; again {told.codes_again or 'not needed'} in "
        f"{told.seconds_again:.1f} s{'; PostgreSQL was down' * told.was_down}"
    )


def report(world: World, rounds: list[Round], reader: Reader, healing: float) -> None:
    by_kind = {}
    for kind in dict.fromkeys(told.kind for told in rounds):
        of_kind = [told for told in rounds if told.kind == kind]
        by_kind[kind] = {
            "rounds": len(of_kind),
            "moments": sorted(
                f"{t.target}: {t.stage}" + (f" {t.share:.0%}" if t.share else "")
                for t in of_kind
            ),
            "exit codes": Counter(str(told.code) for told in of_kind),
            "exit codes again": Counter(
                str(code) for told in of_kind for code in told.codes_again
            ),
            "seconds to end, longest": round(max(t.seconds_to_end for t in of_kind), 1),
            "seconds to restart, median": round(
                statistics.median(t.seconds_again for t in of_kind), 1
            ),
            "seconds to restart, longest": round(
                max(t.seconds_again for t in of_kind), 1
            ),
            "PostgreSQL went down": sum(t.was_down for t in of_kind),
        }
    figures.write(
        "kills",
        {
            "seed": SEED,
            "rounds": len(rounds),
            "as root": os.geteuid() == 0,
            "identities": len(world.named),
            "undisturbed seconds": {
                target: round(t, 1) for target, t in world.durations.items()
            },
            "kinds": by_kind,
            "reader": {
                "answers": reader.answers,
                "wrong": len(reader.wrong),
                "states seen": len(reader.seen),
                "slowest answer, seconds": round(reader.slowest, 2),
                "errors while PostgreSQL was down": Counter(
                    error for _, error in reader.errors
                ),
                "last error after it was there again, seconds": round(healing, 2),
            },
            "bytes of PostgreSQL's files that a crash left without a table": max(
                told.orphan_bytes for told in rounds
            ),
        },
    )
