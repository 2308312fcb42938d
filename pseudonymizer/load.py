"""Rows into a release, and the release into use: all that the job asks of PostgreSQL.

The tables and functions belong to the migrations of histovet/vault.
"""

from __future__ import annotations

import datetime as dt
import logging
import struct
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, LiteralString, Self
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pseudonymizer.errors import DatabaseFailed, ReleaseRefused
from pseudonymizer.feed import SUFFIX, WHOLE, FeedFile, Part, Reject
from pseudonymizer.records import FileReport, Release, SealedRow

# What it logs of a broken connection stands in its exceptions too: told once, by us.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

SCHEMA_VERSION = 4
MIGRATE = "python manage.py migrate"

# The name of the project as a number: nothing else in a database takes this lock.
INGEST_LOCK = int.from_bytes(b"histovet", "big")
# A job that was killed holds the lock until its server process notices.
LOCK_WAIT_MILLISECONDS = 5000
# Rejects wait in memory until the running COPY ends; it is ended at this number.
REJECTS_AT_ONCE = 10_000
# While a drop waits for one long reader, such as a backup, every new reader waits
# behind it: short attempts, and the next ingest tries again.
DROP_LOCK_MILLISECONDS = 200
DROP_ATTEMPTS = 5
DROP_PAUSE_SECONDS = 1

# PostgreSQL's binary COPY: the signature, flags and header extension; per row the
# number of fields, then each field's length and bytes; the end.
# https://www.postgresql.org/docs/current/sql-copy.html
_COPY_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_ROW = struct.Struct(">hi16sihihi")
_COPY_END = b"\xff\xff"

# A part of a file is marked as NAME#NUMBER-OF; no file is named so, since each ends
# with SUFFIX.
_PART_SIGN = "#"

# Salt and MAC of a release that is gone: with them its row could be offered again.
_NO_SECRETS = bytes(32), bytes(32)

# Rooms of the site whose tables name versions of keys; each has `ROOM_key_uses`, and
# those that can end what depends on a key `ROOM_end_key_uses`.
_KEY_USERS = ("vault", "sharing", "partners", "operators")
_KEY_ENDERS = ("sharing", "partners", "operators")

# A network that goes silent resets nothing: without these the job waits for ever, and
# the server keeps its locks for two hours. Where the address gives others, they hold.
# Two minutes, half a minute more when idle before: a server that is busy with its disk
# may read nothing of a COPY for one.
_SILENCE = {
    "keepalives_idle": "30",  # seconds
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "120000",  # milliseconds
}

_SESSION = (
    "SET timezone = 'UTC'",
    "SET maintenance_work_mem = '256MB'",
    # Else the server finishes an index of minutes for a job that is dead, and keeps
    # its lock.
    "SET client_connection_check_interval = '1s'",
)


class SealedBatch(Struct, frozen=True):
    """What a batch of lines came to."""

    rows: list[SealedRow]
    rejects: list[Reject]


class Change(Struct, frozen=True):
    """A row that replaces what its certificate had; `changed` is the day on which its
    source last changed it."""

    line: int
    changed: dt.date | None
    row: SealedRow


class ChangeBatch(Struct, frozen=True):
    """What a batch of lines of a file of upserts came to."""

    changes: list[Change]
    rejects: list[Reject]


class Removal(Struct, frozen=True):
    """The ids of the rows that a certificate may have."""

    line: int
    record_id: bytes
    inspections_id: bytes


class RemovalBatch(Struct, frozen=True):
    """What a batch of lines of a file of removals came to."""

    removals: list[Removal]
    rejects: list[Reject]


class DeltaState(Struct, frozen=True):
    """A delta that was applied to a release; `edition` is the one that it made."""

    edition: int
    manifest_sha256: bytes


class ReleaseState(Struct, frozen=True):
    """A row of the table of releases; `size_bytes` counts rows and index, `key_check` is
    the check value of its key, None for a release of before there was one."""

    release: Release
    state: str
    lines: int
    rows: int
    rejects: int
    size_bytes: int | None
    key_check: bytes | None
    activated_at: dt.datetime | None


class KeyUse(Struct, frozen=True):
    """How many of one thing depend on one version of a key ring."""

    version: int
    what: str
    count: int


class Totals(Struct, frozen=True):
    lines: int
    rows: int
    rejects: int


class Vault:
    """A connection to the database, as the job.

    Every method raises DatabaseFailed when the server cannot be reached or refuses.
    """

    def __init__(self, url: str) -> None:
        """Connect. Nothing of the URL's password ever stands in an error."""
        try:
            parameters = conninfo_to_dict(url)
        except psycopg.Error:
            # Without the cause: its text repeats the URL.
            raise DatabaseFailed(
                "DATABASE_URL is no PostgreSQL URL; write postgresql://user@host/name"
            ) from None
        wanted = {"connect_timeout": "10", **_SILENCE, **parameters}
        wanted["application_name"] = "pseudonymizer"
        try:
            self._connection = psycopg.connect(
                make_conninfo(url, **wanted), autocommit=True
            )
            for setting in _SESSION:
                self._connection.execute(setting)
            # The other end: what a dead job holds would refuse the next one.
            for name in _SILENCE:
                self._one(
                    "SELECT set_config(%s, %s, false)",
                    f"tcp_{name.removeprefix('tcp_')}",
                    str(wanted[name]),
                )
        except psycopg.Error as exc:
            reason = _first_line(exc)
            if password := str(parameters.get("password") or ""):
                reason = reason.replace(password, "…")
            raise DatabaseFailed(
                f"the database cannot be reached: {reason}; check DATABASE_URL and "
                "that PostgreSQL runs"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def check_schema(self) -> None:
        """Raises DatabaseFailed, with the command to run, for unknown tables."""
        try:
            rows = self._connection.execute("SELECT version FROM vault_schema")
            versions = [version for (version,) in rows]
        except psycopg.errors.UndefinedTable as exc:
            raise DatabaseFailed(
                f"the database has no tables for releases; run: {MIGRATE}"
            ) from exc
        except psycopg.Error as exc:
            raise _failed(exc) from exc
        if versions != [SCHEMA_VERSION]:
            raise DatabaseFailed(
                f"the tables for releases are of version {versions} and this job "
                f"writes version {SCHEMA_VERSION}; with the site and the job of one "
                f"version of histovet, run: {MIGRATE}"
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other ingest out. Raises ReleaseRefused `ingest_running`."""
        with _translated(), self._connection.transaction():
            self._set_lock_timeout(LOCK_WAIT_MILLISECONDS)
            try:
                self._one("SELECT pg_advisory_lock(%s)", INGEST_LOCK)
            except psycopg.errors.LockNotAvailable as exc:
                raise ReleaseRefused(
                    "ingest_running",
                    "another ingest is writing to this database; wait for its end, "
                    "then run the same command again",
                ) from exc
        try:
            yield
        finally:
            # A connection that broke has given the lock up already.
            if not self._connection.closed:
                with _translated():
                    self._one("SELECT pg_advisory_unlock(%s)", INGEST_LOCK)

    def releases(self) -> list[ReleaseState]:
        """Return every release, the newest first."""
        with _translated():
            rows = self._connection.execute(
                "SELECT number, uuid, label, as_of, key_version, salt,"
                " manifest_sha256, mac, inspections_as_of, edition, delta_sha256,"
                " state, lines, rows, rejects,"
                " pg_total_relation_size(to_regclass('vault_record_' || number)),"
                " key_check, activated_at"
                " FROM vault_release ORDER BY number DESC"
            ).fetchall()
        return [ReleaseState(Release(*row[:11]), *row[11:]) for row in rows]

    def create(self, release: Release, key_check: bytes) -> Release:
        """Insert a release to be built, with its partition; its number is new."""
        with _translated(), self._connection.transaction():
            (number,) = self._one(
                "INSERT INTO vault_release"
                " (uuid, label, as_of, key_version, salt, manifest_sha256, mac,"
                " inspections_as_of, key_check)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING number",
                release.uuid,
                release.label,
                release.as_of,
                release.key_version,
                release.salt,
                release.manifest_sha256,
                release.mac,
                release.inspections_as_of,
                key_check,
            )
            self._one("SELECT vault_add_partition(%s::smallint)", number)
        return msgspec.structs.replace(release, number=number)

    def load_file(
        self,
        release: Release,
        file: FeedFile,
        batches: Iterable[SealedBatch],
        rejects_max: int,
        part: Part = WHOLE,
    ) -> None:
        """Load a file, or a part of it, in one transaction, together with the row that
        marks it done.

        Does nothing when it is marked already: the marker comes first, so that two
        jobs that load the same file cannot both commit it. Reading ends with the
        reject beyond `rejects_max`; the marker then has no lines. Raises
        ReleaseRefused `release_closed` when the release is no longer being built.
        """
        batches = iter(batches)
        with _translated(), self._connection.transaction():
            self._require_building(release)
            marked = self._connection.execute(
                "INSERT INTO vault_release_file"
                " (release_number, name, sha256, lines, rows)"
                " VALUES (%s, %s, %s, 0, 0) ON CONFLICT DO NOTHING",
                (release.number, mark := _mark(file, part), bytes.fromhex(file.sha256)),
            )
            if marked.rowcount == 0:
                return
            rows = 0
            rejects_left = rejects_max
            more = True
            while more:
                rejects: list[Reject] = []
                more = False
                with self._copy_records(release) as copy:
                    for batch in batches:
                        copy.write(_copy_rows(release, batch.rows))
                        rows += len(batch.rows)
                        rejects += batch.rejects
                        if len(rejects) >= min(REJECTS_AT_ONCE, rejects_left + 1):
                            more = True
                            break
                # The one beyond the limit is kept: it is what passes it.
                kept = rejects[: rejects_left + 1]
                self._insert_rejects(release, [(file.name, r) for r in kept])
                rejects_left -= len(kept)
                if rejects_left < 0:
                    return
            self._connection.execute(
                "UPDATE vault_release_file SET lines = %s, rows = %s,"
                " loaded_at = now() WHERE release_number = %s AND name = %s",
                # The lines of all the parts stand with the first.
                (file.lines if part.number == 1 else 0, rows, release.number, mark),
            )

    def parts_loaded(self, release: Release) -> dict[str, set[Part]]:
        """Return the parts that are loaded of each file, by name."""
        loaded: dict[str, set[Part]] = {}
        for mark, _, _ in self._marks(release):
            name, part = _marked(mark)
            loaded.setdefault(name, set()).add(part)
        return loaded

    def file_reports(self, release: Release) -> dict[str, FileReport]:
        """Return what each file that is loaded came to, by name."""
        rejects: dict[str, dict[str, int]] = {}
        with _translated():
            for name, code, count in self._connection.execute(
                "SELECT file_name, code, count(*) FROM vault_reject"
                " WHERE release_number = %s GROUP BY 1, 2 ORDER BY 3 DESC, 2",
                (release.number,),
            ):
                rejects.setdefault(name, {})[code] = count
        found: dict[str, list[tuple[Part, int, int]]] = {}
        for mark, lines, rows in self._marks(release):
            name, part = _marked(mark)
            found.setdefault(name, []).append((part, lines, rows))
        return {
            name: FileReport(
                name,
                sum(lines for _, lines, _ in parts),
                sum(rows for _, _, rows in parts),
                rejects.get(name, {}),
            )
            for name, parts in found.items()
            if all(part.of == len(parts) for part, _, _ in parts)
        }

    def _marks(self, release: Release) -> list[tuple[str, int, int]]:
        with _translated():
            return self._connection.execute(
                "SELECT name, lines, rows FROM vault_release_file"
                " WHERE release_number = %s ORDER BY name",
                (release.number,),
            ).fetchall()

    @contextmanager
    def changing(self, release: Release) -> Iterator[None]:
        """Change the active release in one transaction: all that is done in the block,
        or nothing.

        Raises ReleaseRefused `release_closed` when it is no longer active, or of
        another edition.
        """
        with _translated(), self._connection.transaction():
            # Locked, so that it cannot be rolled back meanwhile.
            found = self._connection.execute(
                "SELECT 1 FROM vault_release WHERE number = %s AND edition = %s"
                " AND state = 'active' FOR UPDATE",
                (release.number, release.edition),
            ).fetchone()
            if found is None:
                raise ReleaseRefused(
                    "release_closed",
                    f"release {release.number} is no longer the active one, or was "
                    "changed; run the same command again",
                )
            yield

    def remove(
        self, release: Release, file: FeedFile, batches: Iterable[RemovalBatch]
    ) -> None:
        """Remove the rows of certificates, inside `changing`.

        A certificate without a record is the reject `not_found`. `file` has the name
        under which it is to stand among those of the release.
        """
        self._stage("line bigint, record_id uuid, inspections_id uuid")
        rejects: list[Reject] = []
        with self._connection.cursor().copy("COPY staged FROM STDIN") as copy:
            for batch in batches:
                rejects += batch.rejects
                for one in batch.removals:
                    ids = UUID(bytes=one.record_id), UUID(bytes=one.inspections_id)
                    copy.write_row((one.line, *ids))
        self._insert_rejects(release, [(file.name, reject) for reject in rejects])
        self._reject_doubles(release, file, newest_first="line")
        self._connection.execute(
            self._on_partition(
                release,
                "INSERT INTO vault_reject"
                " (release_number, file_name, line_number, code)"
                " SELECT %s, %s, line, 'not_found' FROM staged s WHERE NOT EXISTS"
                " (SELECT FROM {partition} r WHERE r.record_id = s.record_id)",
            ),
            (release.number, file.name),
        )
        records = self._connection.execute(
            self._on_partition(
                release,
                "DELETE FROM {partition} r USING staged s"
                " WHERE r.record_id = s.record_id",
            )
        ).rowcount
        inspections = self._connection.execute(
            self._on_partition(
                release,
                "DELETE FROM {partition} r USING staged s"
                " WHERE r.record_id = s.inspections_id",
            )
        ).rowcount
        self._file_changed(release, file, records, -records - inspections)

    def upsert(
        self, release: Release, file: FeedFile, batches: Iterable[ChangeBatch]
    ) -> None:
        """Put rows in the place of those of the same ids, or beside the others, inside
        `changing`.

        Of two lines of one identity the newest stays, the last one of the same day;
        the other is the reject `duplicate_identity`.
        """
        self._stage(
            "line bigint, changed date, record_id uuid, generation smallint,"
            " sealed bytea"
        )
        rejects: list[Reject] = []
        with self._connection.cursor().copy("COPY staged FROM STDIN") as copy:
            for batch in batches:
                rejects += batch.rejects
                for one in batch.changes:
                    row = one.row
                    sealed = UUID(bytes=row.record_id), row.generation, row.sealed
                    copy.write_row((one.line, one.changed, *sealed))
        self._insert_rejects(release, [(file.name, reject) for reject in rejects])
        self._reject_doubles(
            release, file, newest_first="changed DESC NULLS LAST, line DESC"
        )
        # A row that was there has been locked by this transaction, a new one by none.
        written, new = self._one(
            self._on_partition(
                release,
                "WITH written AS ("
                " INSERT INTO {partition} AS r"
                "  (record_id, release_number, generation, sealed)"
                " SELECT record_id, %s, generation, sealed FROM staged"
                " ON CONFLICT (record_id) DO UPDATE"
                "  SET generation = excluded.generation, sealed = excluded.sealed"
                " RETURNING r.xmax = 0 AS is_new"
                ") SELECT count(*), count(*) FILTER (WHERE is_new) FROM written",
            ),
            release.number,
        )
        self._file_changed(release, file, written, new)

    def finish_delta(
        self, release: Release, rejects: int, label: str, lines: int
    ) -> None:
        """Give the release its new edition, inside `changing`.

        `release` is its row as it becomes; the others are of the delta.
        """
        self._connection.execute(
            "INSERT INTO vault_delta (release_number, edition, manifest_sha256, label,"
            " as_of, lines, rejects) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                release.number,
                release.edition,
                release.delta_sha256,
                label,
                release.as_of,
                lines,
                rejects,
            ),
        )
        self._connection.execute(
            "UPDATE vault_release SET edition = %s, delta_sha256 = %s, as_of = %s,"
            " inspections_as_of = %s, mac = %s WHERE number = %s",
            (
                release.edition,
                release.delta_sha256,
                release.as_of,
                release.inspections_as_of,
                release.mac,
                release.number,
            ),
        )

    def deltas(self, release: Release) -> list[DeltaState]:
        """Return the deltas that were applied to a release, the first one first."""
        with _translated():
            rows = self._connection.execute(
                "SELECT edition, manifest_sha256 FROM vault_delta"
                " WHERE release_number = %s ORDER BY edition",
                (release.number,),
            ).fetchall()
        return [DeltaState(*row) for row in rows]

    def _stage(self, columns: LiteralString) -> None:
        self._connection.execute("DROP TABLE IF EXISTS pg_temp.staged")
        self._connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE staged ({}) ON COMMIT DROP").format(
                sql.SQL(columns)
            )
        )

    def _reject_doubles(
        self, release: Release, file: FeedFile, *, newest_first: LiteralString
    ) -> None:
        """Leave of the staged lines one for each record id."""
        self._connection.execute(
            sql.SQL(
                "WITH placed AS (SELECT line, row_number() OVER"
                " (PARTITION BY record_id ORDER BY {}) AS place FROM staged),"
                " gone AS (DELETE FROM staged s USING placed p"
                "  WHERE s.line = p.line AND p.place > 1 RETURNING s.line)"
                " INSERT INTO vault_reject"
                " (release_number, file_name, line_number, code)"
                " SELECT %s, %s, line, 'duplicate_identity' FROM gone"
            ).format(sql.SQL(newest_first)),
            (release.number, file.name),
        )

    def _file_changed(
        self, release: Release, file: FeedFile, rows: int, more: int
    ) -> None:
        """Note the file, and that the release has `more` rows than before.

        Raises ReleaseRefused `counts` when it has not.
        """
        self._connection.execute(
            "INSERT INTO vault_release_file (release_number, name, sha256, lines, rows)"
            " VALUES (%s, %s, %s, %s, %s)",
            (release.number, file.name, bytes.fromhex(file.sha256), file.lines, rows),
        )
        (expected,) = self._one(
            "UPDATE vault_release SET rows = rows + %s WHERE number = %s"
            " RETURNING rows",
            more,
            release.number,
        )
        stored = self.count_rows(release)
        if stored != expected:
            raise ReleaseRefused(
                "counts",
                f"after {file.name} release {release.number} has {stored} rows and "
                f"should have {expected}; nothing of this delta was applied",
            )

    def rejected_lines(self, release: Release, name: str, up_to: int) -> set[int]:
        with _translated():
            rows = self._connection.execute(
                "SELECT line_number FROM vault_reject"
                " WHERE release_number = %s AND file_name = %s AND line_number <= %s",
                (release.number, name, up_to),
            )
            return {line for (line,) in rows}

    def build_index(self, release: Release) -> bool:
        """Return False when an identity stands in the release twice."""
        try:
            self._one("SELECT vault_index_partition(%s::smallint)", release.number)
        except psycopg.errors.UniqueViolation:
            return False
        except psycopg.Error as exc:
            raise _failed(exc) from exc
        return True

    def find_duplicates(self, release: Release) -> int:
        """Return how many rows are there beyond one for each identity."""
        with _translated():
            self._connection.execute("DROP TABLE IF EXISTS pg_temp.duplicate")
            self._connection.execute(
                self._on_partition(
                    release,
                    "CREATE TEMPORARY TABLE duplicate AS"
                    " SELECT record_id, count(*) AS n FROM {partition}"
                    " GROUP BY record_id HAVING count(*) > 1",
                )
            )
            (surplus,) = self._one(
                "SELECT coalesce(sum(n - 1), 0)::bigint FROM pg_temp.duplicate"
            )
        return surplus

    def duplicate_ids(self) -> set[bytes]:
        """Return the record ids that `find_duplicates` found."""
        with _translated():
            rows = self._connection.execute("SELECT record_id FROM pg_temp.duplicate")
            return {record_id.bytes for (record_id,) in rows}

    def replace_duplicates(
        self,
        release: Release,
        kept: Iterable[SealedRow],
        losers: Sequence[tuple[str, Reject]],
    ) -> None:
        """Leave one row for each identity and write the others as rejects, at once."""
        with _translated(), self._connection.transaction():
            self._require_building(release)
            self._connection.execute(
                self._on_partition(
                    release,
                    "DELETE FROM {partition} r USING pg_temp.duplicate d"
                    " WHERE r.record_id = d.record_id",
                )
            )
            with self._copy_records(release) as copy:
                copy.write(_copy_rows(release, kept))
            self._insert_rejects(release, losers)
            for name, count in Counter(name for name, _ in losers).items():
                self._connection.execute(
                    "UPDATE vault_release_file SET rows = rows - %s"
                    " WHERE release_number = %s"
                    "  AND (name = %s OR starts_with(name, %s))",
                    (count, release.number, name, f"{name}{_PART_SIGN}1-"),
                )

    def count_rows(self, release: Release) -> int:
        with _translated():
            (count,) = self._one(
                self._on_partition(release, "SELECT count(*) FROM {partition}")
            )
        return count

    def read(self, release: Release, record_id: bytes) -> SealedRow | None:
        """Return a row of a release in any state; None when there is none."""
        with _translated():
            row = self._connection.execute(
                self._on_partition(
                    release,
                    "SELECT generation, sealed FROM {partition} WHERE record_id = %s",
                ),
                (UUID(bytes=record_id),),
            ).fetchone()
        return SealedRow(record_id, *row) if row else None

    def activate(self, release: Release, totals: Totals) -> None:
        """Make the release the active one, in one statement.

        The active one becomes the previous, the previous one and every older release
        that was never finished are retired. Raises ReleaseRefused `release_closed`
        when the release is no longer being built: the active one stays.
        """
        with _translated(), self._connection.transaction():
            self._require_building(release)
            self._connection.execute(
                "UPDATE vault_release SET"
                " state = CASE WHEN number = %(number)s THEN 'active'"
                "  WHEN state = 'active' THEN 'previous' ELSE 'retired' END,"
                " activated_at = CASE WHEN number = %(number)s THEN now()"
                "  ELSE activated_at END,"
                " lines = CASE WHEN number = %(number)s THEN %(lines)s ELSE lines END,"
                " rows = CASE WHEN number = %(number)s THEN %(rows)s ELSE rows END,"
                " rejects = CASE WHEN number = %(number)s THEN %(rejects)s"
                "  ELSE rejects END"
                " WHERE number = %(number)s OR state IN ('active', 'previous')"
                "  OR (state = 'building' AND number < %(number)s)",
                {
                    "number": release.number,
                    "lines": totals.lines,
                    "rows": totals.rows,
                    "rejects": totals.rejects,
                },
            )

    def roll_back(self, current: Release, previous: Release) -> None:
        """Make the previous release the active one and the active one the previous, in
        one statement.

        Raises ReleaseRefused `release_closed` when they no longer are.
        """
        with _translated(), self._connection.transaction():
            switched = self._connection.execute(
                "UPDATE vault_release SET state ="
                " CASE state WHEN 'active' THEN 'previous' ELSE 'active' END,"
                " activated_at = CASE state WHEN 'active' THEN activated_at"
                "  ELSE now() END"
                " WHERE (number = %s AND state = 'active')"
                "  OR (number = %s AND state = 'previous')",
                (current.number, previous.number),
            )
            if switched.rowcount != 2:
                raise ReleaseRefused(
                    "release_closed",
                    "the releases changed meanwhile; list them and run the same "
                    "command again",
                )

    def retire(self, release: Release) -> bool:
        """Drop what a release that is not active holds; false when it is still being
        read, and then the next ingest drops it.

        Raises ReleaseRefused `release_closed` for the active one, and for one that
        holds nothing any more.
        """
        with _translated():
            retired = self._connection.execute(
                "UPDATE vault_release SET state = 'retired' WHERE number = %s"
                " AND state IN ('previous', 'building', 'retired')",
                (release.number,),
            )
            if retired.rowcount == 0:
                raise ReleaseRefused(
                    "release_closed",
                    f"release {release.number} is active, or holds nothing any more",
                )
            return self._drop(release.number)

    def fail(self, release: Release, totals: Totals) -> None:
        """Give a release up; its rejects stay, to be looked at."""
        with _translated():
            self._connection.execute(
                "UPDATE vault_release SET state = 'failed', salt = %s, mac = %s,"
                " lines = %s, rows = %s, rejects = %s WHERE number = %s",
                (
                    *_NO_SECRETS,
                    totals.lines,
                    totals.rows,
                    totals.rejects,
                    release.number,
                ),
            )

    def drop_unused(self) -> list[int]:
        """Drop what retired and failed releases hold; return the numbers of those
        that are still being read."""
        with _translated():
            unused = self._connection.execute(
                "SELECT number FROM vault_release WHERE state = 'retired'"
                " OR (state = 'failed'"
                "  AND to_regclass('vault_record_' || number) IS NOT NULL)"
                " ORDER BY number"
            ).fetchall()
            return [number for (number,) in unused if not self._drop(number)]

    def key_uses(self, purpose: str) -> list[KeyUse]:
        """Return what depends on each version of a ring, whether the ring has it or not.

        Only the owner of the tables may ask: the job sees no link.
        """
        with _of_the_owner():
            return [
                KeyUse(*row)
                for room in _KEY_USERS
                for row in self._connection.execute(
                    sql.SQL(
                        "SELECT version, what, uses FROM {}(%s) ORDER BY 1, 2"
                    ).format(sql.Identifier(f"{room}_key_uses")),
                    (purpose,),
                )
            ]

    def end_key_uses(
        self, purpose: str, version: int, *, active_too: bool
    ) -> list[KeyUse]:
        """End what depends on a version, for good and at once; return what was ended.

        The active release goes with `active_too` alone. What a release held is dropped
        by `drop_unused`. Raises what `key_uses` does.
        """
        states = ["building", "previous", *(["active"] if active_too else [])]
        with _of_the_owner(), self._connection.transaction():
            ended = [
                KeyUse(version, *row)
                for room in _KEY_ENDERS
                for row in self._connection.execute(
                    sql.SQL("SELECT what, uses FROM {}(%s, %s::smallint)").format(
                        sql.Identifier(f"{room}_end_key_uses")
                    ),
                    (purpose, version),
                )
            ]
            if purpose == "register":
                ended += [
                    KeyUse(version, *row)
                    for row in self._connection.execute(
                        "WITH before AS ("
                        "  SELECT number, state FROM vault_release"
                        "  WHERE key_version = %s AND state = ANY (%s) FOR UPDATE"
                        "), retired AS ("
                        "  UPDATE vault_release r SET state = 'retired'"
                        "  FROM before b WHERE r.number = b.number"
                        "  RETURNING b.state"
                        ") SELECT state || ' release', count(*) FROM retired"
                        " GROUP BY 1 ORDER BY 1",
                        (version, states),
                    )
                ]
        return [use for use in ended if use.count]

    def _drop(self, number: int) -> bool:
        for attempt in range(DROP_ATTEMPTS):
            if attempt:
                time.sleep(DROP_PAUSE_SECONDS)
            try:
                with self._connection.transaction():
                    self._set_lock_timeout(DROP_LOCK_MILLISECONDS)
                    self._one("SELECT vault_drop_partition(%s::smallint)", number)
                    self._connection.execute(
                        "UPDATE vault_release SET salt = %s, mac = %s"
                        " WHERE number = %s",
                        (*_NO_SECRETS, number),
                    )
                    dropped = self._connection.execute(
                        "UPDATE vault_release SET state = 'dropped'"
                        " WHERE number = %s AND state = 'retired'",
                        (number,),
                    )
                    if dropped.rowcount:
                        self._connection.execute(
                            "DELETE FROM vault_reject WHERE release_number = %s",
                            (number,),
                        )
                return True
            except psycopg.errors.LockNotAvailable:
                continue
        return False

    def _set_lock_timeout(self, milliseconds: int) -> None:
        """For the transaction that is open."""
        self._connection.execute(
            sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(milliseconds))
        )

    def _require_building(self, release: Release) -> None:
        # Locked, so that it cannot be activated while a file is on its way. By its UUID
        # too: a worker elsewhere may have been given another database.
        found = self._connection.execute(
            "SELECT 1 FROM vault_release"
            " WHERE number = %s AND uuid = %s AND state = 'building' FOR SHARE",
            (release.number, release.uuid),
        ).fetchone()
        if found is None:
            raise ReleaseRefused(
                "release_closed",
                f"release {release.number} is no longer being built in this database; "
                "run the same command again",
            )

    @contextmanager
    def _copy_records(self, release: Release) -> Iterator[psycopg.Copy]:
        statement = self._on_partition(
            release,
            "COPY {partition} (record_id, release_number, generation, sealed)"
            " FROM STDIN (FORMAT BINARY)",
        )
        with self._connection.cursor().copy(statement) as copy:
            copy.write(_COPY_START)
            yield copy
            copy.write(_COPY_END)

    def _insert_rejects(
        self, release: Release, rejects: Sequence[tuple[str, Reject]]
    ) -> None:
        if not rejects:
            return
        with self._connection.cursor().copy(
            "COPY vault_reject (release_number, file_name, line_number, code)"
            " FROM STDIN"
        ) as copy:
            for name, reject in rejects:
                copy.write_row((release.number, name, reject.line, reject.code))

    def _on_partition(self, release: Release, text: LiteralString) -> sql.Composed:
        return sql.SQL(text).format(
            partition=sql.Identifier(f"vault_record_{release.number}")
        )

    def _one(
        self, query: LiteralString | sql.Composed, *values: Any
    ) -> tuple[Any, ...]:
        """Return the one row of a statement that always has one."""
        row = self._connection.execute(query, values).fetchone()
        if row is None:
            raise DatabaseFailed("the database answered a count with nothing")
        return row


def _mark(file: FeedFile, part: Part) -> str:
    if part == WHOLE:
        return file.name
    return f"{file.name}{_PART_SIGN}{part.number}-{part.of}"


def _marked(mark: str) -> tuple[str, Part]:
    """Return the name of a file, and the part, that a mark is of."""
    if mark.endswith(SUFFIX):
        return mark, WHOLE
    name, _, part = mark.rpartition(_PART_SIGN)
    number, of = map(int, part.split("-"))
    return name, Part(number, of)


def _copy_rows(release: Release, rows: Iterable[SealedRow]) -> bytes:
    number = release.number
    pack = _COPY_ROW.pack
    return b"".join(
        piece
        for row in rows
        for piece in (
            pack(4, 16, row.record_id, 2, number, 2, row.generation, len(row.sealed)),
            row.sealed,
        )
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as exc:
        raise _failed(exc) from exc


@contextmanager
def _of_the_owner() -> Iterator[None]:
    try:
        with _translated():
            yield
    except DatabaseFailed as exc:
        if isinstance(exc.__cause__, psycopg.errors.InsufficientPrivilege):
            raise DatabaseFailed(
                "this role may not see what depends on the keys; put the owner of the "
                "tables in DATABASE_URL"
            ) from exc
        if isinstance(exc.__cause__, psycopg.errors.UndefinedFunction):
            raise DatabaseFailed(
                "the database does not know what depends on the keys; with the site and "
                f"the job of one version of histovet, run: {MIGRATE}"
            ) from exc
        raise


def _failed(exc: psycopg.Error) -> DatabaseFailed:
    # The primary message alone: the detail may quote a row.
    reason = exc.diag.message_primary or _first_line(exc)
    state = f", SQLSTATE {exc.sqlstate}" if exc.sqlstate else ""
    return DatabaseFailed(
        f"the database did not do its part ({reason}{state}); nothing is half done, "
        "and the same command goes on where this one ended"
    )


def _first_line(exc: psycopg.Error) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0]
