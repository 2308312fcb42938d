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

from pseudonymizer import config, exit_codes, keys_commands
from pseudonymizer.errors import (
    ConfigError,
    FeedRefused,
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
    manifest_digest,
)
from pseudonymizer.manifest_signature import sign, signature_path
from pseudonymizer.progress import Progress
from pseudonymizer.records import IngestReport
from pseudonymizer.releases import drop, roll_back
from pseudonymizer.workers import Workers

_EPILOG = """\
exit codes:
  0    done; also when the feed is published already
  1    `releases --active`: no release is active
  2    wrong usage
  3    a setting or a key ring is missing or cannot be used
  5    sealed bytes do not open: the key ring was changed meanwhile
  6    the database cannot be reached, lacks its tables, or failed
  7    the key is in use: it was not retired
  20–  the delivery is refused, each reason with its number: `ingest --help`
  60–  the release is refused, likewise
  130  interrupted (Ctrl-C)

After every failure the site reads a whole release: the one of before, or the new one
when it was active already. An ingest that was interrupted or killed goes on where it
ended when the same command is run again.

environment:
  DATABASE_URL               the site's PostgreSQL (postgresql://user@host/name)
  HISTOVET_REGISTER_KEYS     path of the register key ring
  HISTOVET_SITE_KEYS         path of the site key ring (`keys` alone)
  HISTOVET_MAX_REJECT_SHARE  share of rejects above which a release fails (0.01)
  HISTOVET_FEED_PUBLIC_KEYS  path of the keys that deliveries are signed under; without
                             it no signature is asked for
"""

_INGEST_EPILOG = f"""\
The folder is only read. Its manifest is DIR/manifest.json, or the one of --manifest. A
full feed becomes a release of its own; a delta changes the active one, whole or not at
all.

exit codes of a delivery that is refused, before anything is loaded:
{exit_codes.listed(exit_codes.FEED)}

exit codes of a release that is refused; what was active stays as it was:
{exit_codes.listed(exit_codes.RELEASE)}

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
        return exit_codes.INTERRUPTED
    except PseudonymizerError as exc:
        progress.close()
        named = (
            f" [{exc.code}]" if isinstance(exc, FeedRefused | ReleaseRefused) else ""
        )
        print(f"error{named}: {exc}", file=sys.stderr)
        return exit_codes.exit_code(exc)
    finally:
        progress.close()
    return code


def _synthesise(options: argparse.Namespace, progress: Progress) -> int:
    # Its calendars take 0.15 s, and each worker of an ingest imports this module too.
    from pseudonymizer.synthetic import label as label_of
    from pseudonymizer.synthetic import write_register
    from pseudonymizer.synthetic_history import COMPUTED_ON

    if options.delta is not None:
        return _synthesise_delta(options, progress)
    if options.number is not None:
        print("error: --number says which --delta, and there is none", file=sys.stderr)
        return exit_codes.USAGE
    progress.begin("synthesise", options.vehicles)
    try:
        with Workers(options.workers, progress) as workers:
            write_register(
                options.folder,
                vehicles=options.vehicles,
                seed=options.seed,
                files=options.files,
                workers=workers,
            )
    except ValueError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return exit_codes.USAGE
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


def _synthesise_delta(options: argparse.Namespace, progress: Progress) -> int:
    from pseudonymizer.synthetic_delta import write_delta

    progress.begin("synthesise", options.delta, "events")
    try:
        paths = write_delta(
            options.folder,
            vehicles=options.vehicles,
            seed=options.seed,
            events=options.delta,
            number=options.number or 1,
            tell=progress.advance,
        )
    except ValueError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return exit_codes.USAGE
    except OSError as exc:
        raise ConfigError(
            f"{options.folder} cannot be written ({exc.strerror})"
        ) from exc
    progress.close()
    for path in paths:
        print(path)
    return 0


def _manifest(options: argparse.Namespace, progress: Progress) -> int:
    path = options.out or options.folder / MANIFEST_NAME
    _write_manifest(
        options.folder,
        options.label,
        options.as_of,
        path,
        progress,
        inspections_as_of=options.inspections_as_of,
        after=options.after,
        key=options.sign,
    )
    return 0


def _write_manifest(
    folder: Path,
    label: str,
    as_of: dt.date,
    path: Path,
    progress: Progress,
    *,
    inspections_as_of: dt.date | None = None,
    after: Path | None = None,
    key: Path | None = None,
) -> None:
    progress.begin("measure", delivered_bytes(folder), "bytes")
    manifest = build_manifest(
        folder,
        label,
        as_of,
        progress.advance,
        inspections_as_of,
        None if after is None else manifest_digest(after),
    )
    progress.close()
    content = manifest_bytes(manifest)
    files = {path: content}
    if key is not None:
        files[signature_path(path)] = sign(content, key)
    for file, written in files.items():
        try:
            file.write_bytes(written)
        except OSError as exc:
            raise ConfigError(f"{file} cannot be written ({exc.strerror})") from exc
    lines = sum(file.lines for file in manifest.files)
    signed = "" if key is None else ", signed"
    print(f"{path}: {len(manifest.files)} files, {lines:,} lines{signed}")


def _ingest(options: argparse.Namespace, progress: Progress) -> int:
    report = ingest(
        options.folder,
        options.manifest or options.folder / MANIFEST_NAME,
        config.read(),
        progress,
        workers=options.workers or _cores(),
        cluster=options.cluster,
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
    of = f"delta {report.edition} of release" if report.edition else "release"
    done = "applied" if report.edition else "active"
    named = f"{of[0].upper()}{of[1:]} {report.label!r}"
    if not report.activated:
        return f"{named} is {done} already, from this same manifest; nothing was done."
    rate = report.lines / max(report.seconds, 1e-6)
    lines = [
        f"{named} ({report.release}) is {done}.",
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
        return exit_codes.NOTHING if options.active else 0
    table = [
        (
            *("number", "label", "as of", "state", "deltas", "rows", "rejects"),
            *("key", "check value", "MB", "active"),
        ),
        *(_told_release(release) for release in known),
    ]
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    for row in table:
        cells = zip(row, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
    return 0


def _roll_back(options: argparse.Namespace, progress: Progress) -> int:
    settings = config.read()
    with Vault(settings.database_url) as vault:
        vault.check_schema()
        release = roll_back(vault, settings.register_keys)
    print(
        f"Release {release.number}, {release.label!r}, is active again. The one that "
        "was active is kept: the same command goes forward."
    )
    return 0


def _drop(options: argparse.Namespace, progress: Progress) -> int:
    with Vault(config.database_url()) as vault:
        vault.check_schema()
        release, is_gone = drop(vault, options.number)
    told = "is dropped" if is_gone else "is still being read; the next ingest drops it"
    print(f"Release {release.number}, {release.label!r}, {told}.")
    return 0


def _told_release(state: ReleaseState) -> tuple[str, ...]:
    release, activated = state.release, state.activated_at
    return (
        str(release.number),
        release.label,
        release.as_of.isoformat(),
        state.state,
        str(release.edition),
        f"{state.rows:,}",
        f"{state.rejects:,}",
        str(release.key_version),
        "-" if state.key_check is None else state.key_check.hex(),
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

    keys = command("keys", "make, list, rotate and retire keys", keys_commands.EPILOG)
    keys_commands.add_to(keys)

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
    synthesise.add_argument(
        "--workers",
        type=_positive,
        default=_cores(),
        metavar="N",
        help="processes, each with a file at a time; the bytes are the same (default: "
        "the cores)",
    )
    synthesise.add_argument(
        "--delta",
        type=_positive,
        metavar="EVENTS",
        help="write what happened since to the register of the same N and S, so many "
        "events, and no manifest",
    )
    synthesise.add_argument(
        "--number",
        type=_positive,
        metavar="K",
        help="with --delta: which one, 1 to 10, each of other vehicles (default: 1)",
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
        "--after",
        type=Path,
        metavar="MANIFEST",
        help="the folder is a delta: the manifest of the delivery before it, full or "
        "delta",
    )
    manifest.add_argument(
        "--sign",
        type=Path,
        metavar="KEY",
        help="sign it with this Ed25519 private key (PEM, mode 0600); the signature "
        "is put beside it, as manifest.json.sig",
    )
    manifest.add_argument(
        "--out", type=Path, metavar="FILE", help="default: DIR/manifest.json"
    )
    manifest.set_defaults(command=_manifest)

    publish = command(
        "ingest",
        "publish a folder of extracts as the active release, or apply a delta to it",
        _INGEST_EPILOG,
    )
    publish.add_argument("folder", type=Path, metavar="DIR")
    publish.add_argument(
        "--manifest", type=Path, metavar="FILE", help="default: DIR/manifest.json"
    )
    reading = publish.add_mutually_exclusive_group()
    reading.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="processes, each with a file at a time (default: one for each core)",
    )
    reading.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="the workers of a Dask cluster in their place, such as tls://HOST:8786",
    )
    publish.add_argument(
        "--report", type=Path, metavar="FILE", help="write the final report as JSON"
    )
    publish.set_defaults(command=_ingest)

    releases = command(
        "releases",
        "list the releases, the newest first; go back to the previous one; drop one",
    )
    releases.add_argument(
        "--active", action="store_true", help="only the active one; exit 1 when none"
    )
    releases.set_defaults(command=_releases)
    release_commands = releases.add_subparsers(metavar="COMMAND")
    rollback = release_commands.add_parser(
        "rollback",
        help="make the previous release the active one, at once",
        description="Make the previous release the active one, in one statement. The "
        "active one becomes the previous: the same command goes forward again.",
    )
    rollback.set_defaults(command=_roll_back)
    dropped = release_commands.add_parser(
        "drop",
        help="drop what a release holds that is not active",
        description="Drop what a release holds that is not active: the previous one, "
        "or one that was begun. It cannot be had back but by its feed.",
    )
    dropped.add_argument("number", type=_positive, metavar="NUMBER")
    dropped.set_defaults(command=_drop)
    return parser


def _cores() -> int:
    # Those that this process may use: a container has fewer than the machine.
    return len(os.sched_getaffinity(0))


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
