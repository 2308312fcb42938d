"""The commands on keys: python -m pseudonymizer keys. Source: docs/operations.md."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pseudonymizer import config, exit_codes
from pseudonymizer.errors import ConfigError, KeyInUse
from pseudonymizer.key_ring import KEY_BYTES, KeyRing, held, write_new_ring
from pseudonymizer.load import KeyUse, Vault
from pseudonymizer.progress import Progress

VARIABLES = {"register": config.REGISTER_KEYS, "site": config.SITE_KEYS}

EPILOG = """\
The rings are the files named by HISTOVET_REGISTER_KEYS and HISTOVET_SITE_KEYS. What
depends on a key is asked of DATABASE_URL, as the owner of the tables.

A rotation in order, on one host and on several, what to do when a key is lost or known
to others, and how rings are backed up: docs/operations.md.
"""

# How each stops depending on an older key, in good order.
_REMEDIES = {
    "building release": "run: releases drop, or publish another feed",
    "active release": "publish a full feed: it takes the active key",
    "previous release": "publish another full feed, or run: releases drop",
    "live link": "wait: none lives longer than 30 days",
    "partner key": "give the partner a new key, then suspend this one",
    "operator's second factor": "let the operator sign in, or: manage.py operator reset",
    "withheld vehicle": "run: python manage.py withhold renew, or lift",
}


def add_to(keys: argparse.ArgumentParser) -> None:
    commands = keys.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: str, more: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=does, description=f"{does[0].upper()}{does[1:]}.{more}"
        )

    init = command(
        "init",
        "write new key rings, mode 0600; one that exists is kept",
        " What was sealed under a ring that exists would else be lost.",
    )
    for purpose, variable in VARIABLES.items():
        init.add_argument(
            f"--{purpose}", type=Path, metavar="PATH", help=f"default: {variable}"
        )
    init.set_defaults(command=_init)

    listing = command(
        "list",
        "list the versions, each with its check value",
        " With the owner's DATABASE_URL also what depends on each.",
    )
    listing.add_argument("ring", nargs="?", choices=VARIABLES)
    listing.set_defaults(command=_list)

    rotate = command(
        "rotate",
        "add a new key to a ring and make it the active one",
        " The older ones stay: they read what was made under them.",
    )
    rotate.add_argument("ring", choices=VARIABLES)
    rotate.add_argument(
        "--inactive",
        action="store_true",
        help="only add it, so that every host can have it before `keys activate`",
    )
    _add_out(rotate)
    rotate.set_defaults(command=_rotate)

    activate = command("activate", "make a version of a ring the active one")
    _add_version(activate)
    _add_out(activate)
    activate.set_defaults(command=_activate)

    retire = command(
        "retire",
        "take a version out of a ring; refused while something depends on it",
    )
    _add_version(retire)
    retire.add_argument(
        "--compromised",
        action="store_true",
        help="end what depends on it, for good, and say what: links, keys of partners, "
        "releases that are not active",
    )
    retire.add_argument(
        "--take-offline",
        action="store_true",
        help="with --compromised: the active release too; until another one is "
        "published nobody reads a report",
    )
    retire.add_argument("--yes", action="store_true", help="do not ask")
    _add_out(retire)
    retire.set_defaults(command=_retire)


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ring", choices=VARIABLES)
    parser.add_argument("version", type=int, help="as `keys list` shows it")


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the new ring there, mode 0600, and leave the old one: for a ring "
        "that is a secret of systemd or Docker",
    )


def _init(options: argparse.Namespace, progress: Progress) -> int:
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


def _list(options: argparse.Namespace, progress: Progress) -> int:
    wanted = [options.ring] if options.ring else list(VARIABLES)
    paths = {purpose: config.key_path(VARIABLES[purpose]) for purpose in wanted}
    there = {purpose: path for purpose, path in paths.items() if path is not None}
    if not there:
        raise ConfigError(f"{' and '.join(VARIABLES[p] for p in wanted)}: not set")
    rings = {p: (path, KeyRing.read(path, p)) for p, path in there.items()}
    uses = _uses(rings) if config.has_database() else None
    for purpose, (path, ring) in rings.items():
        mode = stat.S_IMODE(path.stat().st_mode)
        print(f"{purpose} key ring: {path} (mode {mode:04o})")
        _print_versions(ring, None if uses is None else uses[purpose])
    return 0


def _uses(purposes: Iterable[str]) -> dict[str, list[KeyUse]]:
    with Vault(config.database_url()) as vault:
        return {purpose: vault.key_uses(purpose) for purpose in purposes}


def _print_versions(ring: KeyRing, uses: list[KeyUse] | None) -> None:
    """Print what depends on a version that the ring lacks, too: nothing reads it."""
    of_version = defaultdict(list)
    for use in uses or ():
        of_version[use.version].append(use)
    for version in sorted({*ring.versions, *of_version}):
        if version in ring.versions:
            state = "active" if version == ring.active else "      "
            told = f"{state}  check value {ring.check_value(version).hex()}"
        else:
            told = "MISSING from this ring"
        if uses is not None:
            told += f"  {_told(of_version[version]) or 'nothing depends on it'}"
        print(f"  version {version}  {told}")


def _told(uses: Iterable[KeyUse]) -> str:
    return ", ".join(f"{use.count:,} {use.what}(s)" for use in uses)


def _rotate(options: argparse.Namespace, progress: Progress) -> int:
    with held(_path(options.ring), options.ring) as ring:
        version = ring.next_version
        key = os.urandom(KEY_BYTES)
        ring.write(ring.with_new_key(key, is_active=not options.inactive), options.out)
    _print_done(
        options, version, "new and not active" if options.inactive else "active"
    )
    return 0


def _activate(options: argparse.Namespace, progress: Progress) -> int:
    with held(_path(options.ring), options.ring) as ring:
        ring.write(ring.with_active(options.version), options.out)
    _print_done(options, options.version, "active")
    return 0


def _print_done(options: argparse.Namespace, version: int, state: str) -> None:
    path = options.out or _path(options.ring)
    check = KeyRing.read(path, options.ring).check_value(version).hex()
    print(
        f"{options.ring} key ring {path}: version {version} is {state}, check value "
        f"{check}; back the file up"
    )


def _retire(options: argparse.Namespace, progress: Progress) -> int:
    purpose, version = options.ring, options.version
    if options.take_offline and not options.compromised:
        print("error: --take-offline goes with --compromised", file=sys.stderr)
        return exit_codes.USAGE
    with held(_path(purpose), purpose) as ring, Vault(config.database_url()) as vault:
        content = ring.without(version)
        if purpose == "register":
            # No release may be begun or finished under the key meanwhile.
            with vault.alone():
                _end_uses(vault, options)
                ring.write(content, options.out)
                left = vault.drop_unused() if options.compromised else []
        else:
            _end_uses(vault, options)
            ring.write(content, options.out)
            left = []
    for number in left:
        print(f"release {number} is being read; the next ingest drops it")
    print(
        f"{purpose} key ring {options.out or ring.path}: version {version} is retired"
    )
    return 0


def _end_uses(vault: Vault, options: argparse.Namespace) -> None:
    """Raise KeyInUse for what depends on the key, or end it if the operator wants so."""
    named = f"version {options.version} of the {options.ring} key ring"
    uses = [u for u in vault.key_uses(options.ring) if u.version == options.version]
    if not options.compromised:
        if uses:
            raise KeyInUse(f"{named} is in use and was kept: {_remedies(uses)}")
        return
    kept = ["withheld vehicle", *([] if options.take_offline else ["active release"])]
    if stay := [use for use in uses if use.what in kept]:
        raise KeyInUse(
            f"{named} was kept and nothing was ended: {_remedies(stay)}"
            + ("; or give --take-offline" if stay[0].what == "active release" else "")
        )
    if uses:
        _confirm(f"{named}: this ends {_told(uses)}, for good", options.yes)
    ended = vault.end_key_uses(
        options.ring, options.version, active_too=options.take_offline
    )
    for use in ended:
        print(f"ended: {_told([use])}")


def _remedies(uses: Sequence[KeyUse]) -> str:
    return "; ".join(f"{_told([use])} ({_REMEDIES[use.what]})" for use in uses)


def _confirm(what: str, is_confirmed: bool) -> None:
    """Raises KeyInUse unless the operator says yes."""
    print(what)
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise KeyInUse("nothing was ended; to go on without being asked, give --yes")
    if input("Type yes to go on: ").strip() != "yes":
        raise KeyInUse("nothing was ended")


def _path(purpose: str) -> Path:
    variable = VARIABLES[purpose]
    path = config.key_path(variable)
    if path is None:
        raise ConfigError(f"{variable} is not set; name the {purpose} key ring")
    return path
