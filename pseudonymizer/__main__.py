"""Command line of the job: python -m pseudonymizer."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pseudonymizer import config
from pseudonymizer.envelope import KEY_BYTES, write_new_ring
from pseudonymizer.errors import (
    ConfigError,
    DatabaseFailed,
    EnvelopeError,
    FeedRefused,
    KeyRingError,
    PseudonymizerError,
    ReleaseRefused,
)
from pseudonymizer.ingest import ingest
from pseudonymizer.load import ReleaseState, Vault
from pseudonymizer.manifest import (
    MANIFEST_NAME,
    build_manifest,
    delivered_bytes,
    manifest_bytes,
)
from pseudonymizer.progress import Progress
from pseudonymizer.records import IngestReport
from pseudonymizer.synthetic import label as label_of
from pseudonymizer.synthetic import write_register
from pseudonymizer.synthetic_history import COMPUTED_ON

EXIT_NOTHING = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_CODES: dict[type[PseudonymizerError], int] = {
    ConfigError: 3,
    KeyRingError: 3,
    FeedRefused: 4,
    ReleaseRefused: 5,
    EnvelopeError: 5,
    DatabaseFailed: 6,
}

_EPILOG = """\
exit codes:
  0    done; also when the feed is published already
  1    `releases --active`: no release is active
  2    wrong usage
  3    a setting or a key ring is missing or cannot be used
  4    the feed is refused: it is not what its manifest says
  5    the release is refused: too many rejects, a failed check, or another ingest runs
  6    the database cannot be reached, lacks its tables, or failed
  130  interrupted (Ctrl-C)

After every failure the active release is as it was. An ingest that was interrupted or
killed goes on where it ended when the same command is run again.

environment:
  DATABASE_URL               the site's PostgreSQL (postgresql://user@host/name)
  HISTOVET_REGISTER_KEYS     path of the register key ring
  HISTOVET_SITE_KEYS         path of the site key ring (`keys init` alone)
  HISTOVET_MAX_REJECT_SHARE  share of rejects above which a release fails (0.01)
"""

_INGEST_EPILOG = """\
The folder is only read. Its manifest is DIR/manifest.json, or the one of --manifest.

feed refused (exit code 4):
  manifest_missing, manifest_invalid, manifest_format, wrong_kind   the manifest
  inspections_date, no_registration                                 its inspections
  file_name, file_missing, file_extra, file_size                    the folder
  file_digest, file_lines, file_gzip, file_unreadable               a file's bytes,
                                                                    each time it is read
  header_unreadable, unknown_layout                                 a file's header

release refused (exit code 5):
  too_many_rejects   their share is over HISTOVET_MAX_REJECT_SHARE
  counts, sample     what is stored is not what was read
  no_row             the feed holds no vehicle
  duplicates_left    something else writes to the release
  ingest_running     another ingest is writing to this database
  release_closed     another ingest ended this release
  release_changed    the row of the release begun is not as the job wrote it
  worker_died        a worker process was ended from outside

Lines that give no record are listed in the table vault_reject: file, line, code.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    progress = Progress(sys.stderr)
    try:
        code: int = options.command(options, progress)
    except KeyboardInterrupt:
        progress.close()
        print("interrupted; run the same command again", file=sys.stderr)
        return EXIT_INTERRUPTED
    except PseudonymizerError as exc:
        progress.close()
        named = (
            f" [{exc.code}]" if isinstance(exc, FeedRefused | ReleaseRefused) else ""
        )
        print(f"error{named}: {exc}", file=sys.stderr)
        return EXIT_CODES.get(type(exc), 1)
    finally:
        progress.close()
    return code


def _keys_init(options: argparse.Namespace, progress: Progress) -> int:
    rings = {
        "register": options.register or config.key_path(config.REGISTER_KEYS),
        "site": options.site or config.key_path(config.SITE_KEYS),
    }
    wanted = {purpose: path for purpose, path in rings.items() if path is not None}
    if not wanted:
        raise ConfigError(
            "no path for a key ring; give --register PATH and --site PATH, or set "
            f"{config.REGISTER_KEYS} and {config.SITE_KEYS}"
        )
    missing = {p: path for p, path in wanted.items() if not path.exists()}
    for purpose, path in (missing or wanted).items():
        write_new_ring(path, purpose, os.urandom(KEY_BYTES))
        print(f"{purpose} key ring: {path}")
    for purpose in wanted.keys() - missing.keys():
        print(f"{purpose} key ring: {wanted[purpose]} is there and was kept")
    return 0


def _synthesise(options: argparse.Namespace, progress: Progress) -> int:
    progress.begin("synthesise", options.vehicles)
    try:
        write_register(
            options.folder,
            vehicles=options.vehicles,
            seed=options.seed,
            files=options.files,
            progress=lambda lines: progress.advance(lines, 0),
        )
    except ValueError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as exc:
        raise ConfigError(
            f"{options.folder} cannot be written ({exc.strerror})"
        ) from exc
    label = label_of(vehicles=options.vehicles, seed=options.seed)
    _write_manifest(
        options.folder,
        label,
        COMPUTED_ON,
        options.folder / MANIFEST_NAME,
        progress,
    )
    return 0


def _manifest(options: argparse.Namespace, progress: Progress) -> int:
    path = options.out or options.folder / MANIFEST_NAME
    _write_manifest(
        options.folder,
        options.label,
        options.as_of,
        path,
        progress,
        options.inspections_as_of,
    )
    return 0


def _write_manifest(
    folder: Path,
    label: str,
    as_of: dt.date,
    path: Path,
    progress: Progress,
    inspections_as_of: dt.date | None = None,
) -> None:
    progress.begin("measure", delivered_bytes(folder), "bytes")
    manifest = build_manifest(folder, label, as_of, progress.advance, inspections_as_of)
    progress.close()
    content = manifest_bytes(manifest)
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise ConfigError(f"{path} cannot be written ({exc.strerror})") from exc
    lines = sum(file.lines for file in manifest.files)
    print(f"{path}: {len(manifest.files)} files, {lines:,} lines")


def _ingest(options: argparse.Namespace, progress: Progress) -> int:
    report = ingest(
        options.folder,
        options.manifest or options.folder / MANIFEST_NAME,
        config.read(),
        progress,
        workers=options.workers,
    )
    progress.close()
    if options.report is not None:
        try:
            options.report.write_bytes(msgspec.json.encode(report) + b"\n")
        except OSError as exc:
            raise ConfigError(
                f"the release is active, and {options.report} cannot be written "
                f"({exc.strerror})"
            ) from exc
    print(_told(report))
    return 0


def _told(report: IngestReport) -> str:
    if not report.activated:
        return (
            f"Release {report.label!r} is active already, from this same manifest; "
            "nothing was done."
        )
    rate = report.lines / max(report.seconds, 1e-6)
    lines = [
        f"Release {report.label!r} ({report.release}) is active.",
        f"  files    {len(report.files)}",
        f"  lines    {report.lines:,}",
        f"  rows     {report.rows:,}",
        f"  rejects  {sum(report.rejects.values()):,}",
        *(f"    {code}  {count:,}" for code, count in report.rejects.items()),
        f"  seconds  {report.seconds:,.1f} ({rate:,.0f} lines/s)",
    ]
    return "\n".join(lines)


def _releases(options: argparse.Namespace, progress: Progress) -> int:
    with Vault(config.database_url()) as vault:
        vault.check_schema()
        known = vault.releases()
    if options.active:
        known = [release for release in known if release.state == "active"]
    if not known:
        print("no release is active" if options.active else "no release")
        return EXIT_NOTHING if options.active else 0
    table = [
        ("number", "label", "as of", "state", "rows", "rejects", "key", "MB", "active"),
        *(_told_release(release) for release in known),
    ]
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    for row in table:
        cells = zip(row, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
    return 0


def _told_release(state: ReleaseState) -> tuple[str, ...]:
    release, activated = state.release, state.activated_at
    return (
        str(release.number),
        release.label,
        release.as_of.isoformat(),
        state.state,
        f"{state.rows:,}",
        f"{state.rejects:,}",
        str(release.key_version),
        "-" if state.size_bytes is None else f"{state.size_bytes / 1e6:,.1f}",
        f"{activated:%Y-%m-%d %H:%M} UTC" if activated else "-",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pseudonymizer",
        description="Publish vehicle histories from registration extracts, sealed so "
        "that the database names no person and no vehicle.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: str, epilog: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=does,
            description=does[0].upper() + does[1:] + ".",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    keys = command("keys", "make key rings")
    key_commands = keys.add_subparsers(required=True, metavar="COMMAND")
    init = key_commands.add_parser(
        "init",
        help="write new key rings, mode 0600; one that exists is kept",
        description="Write new key rings, mode 0600. A ring that exists is kept: what "
        "was sealed under it would be lost.",
    )
    init.add_argument(
        "--register", type=Path, metavar="PATH", help=f"default: {config.REGISTER_KEYS}"
    )
    init.add_argument(
        "--site", type=Path, metavar="PATH", help=f"default: {config.SITE_KEYS}"
    )
    init.set_defaults(command=_keys_init)

    synthesise = command(
        "synthesise", "write a register that names nobody, with its manifest"
    )
    synthesise.add_argument("folder", type=Path, metavar="DIR")
    synthesise.add_argument("--vehicles", type=_positive, required=True, metavar="N")
    synthesise.add_argument(
        "--seed", type=int, required=True, metavar="S", help="same seed, same lines"
    )
    synthesise.add_argument(
        "--files", type=_positive, default=4, metavar="N", help="default: 4"
    )
    synthesise.set_defaults(command=_synthesise)

    manifest = command("manifest", "write the manifest of a folder of extracts")
    manifest.add_argument("folder", type=Path, metavar="DIR")
    manifest.add_argument("--label", required=True, metavar="L")
    manifest.add_argument(
        "--as-of",
        type=_date,
        required=True,
        metavar="DATE",
        help="the day that the extracts stand for, as YYYY-MM-DD",
    )
    manifest.add_argument(
        "--inspections-as-of",
        type=_date,
        metavar="DATE",
        help="the same of the inspections files (default: that of --as-of)",
    )
    manifest.add_argument(
        "--out", type=Path, metavar="FILE", help="default: DIR/manifest.json"
    )
    manifest.set_defaults(command=_manifest)

    publish = command(
        "ingest", "publish a folder of extracts as the active release", _INGEST_EPILOG
    )
    publish.add_argument("folder", type=Path, metavar="DIR")
    publish.add_argument(
        "--manifest", type=Path, metavar="FILE", help="default: DIR/manifest.json"
    )
    publish.add_argument(
        "--workers",
        type=_positive,
        default=1,
        metavar="N",
        help="processes, each with a file at a time (default: 1)",
    )
    publish.add_argument(
        "--report", type=Path, metavar="FILE", help="write the final report as JSON"
    )
    publish.set_defaults(command=_ingest)

    releases = command("releases", "list the releases, the newest first")
    releases.add_argument(
        "--active", action="store_true", help="only the active one; exit 1 when none"
    )
    releases.set_defaults(command=_releases)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a number from 1")
    return int(text)


def _date(text: str) -> dt.date:
    try:
        # ISO 8601 has other forms, and a century that nobody means is a slip.
        if re.fullmatch(r"(19|20)\d\d-\d\d-\d\d", text, re.ASCII):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError("must be a date, as YYYY-MM-DD")


if __name__ == "__main__":
    sys.exit(main())
