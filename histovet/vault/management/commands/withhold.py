"""Withhold the report of one vehicle, list what is withheld, lift it."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from histovet.commands import SiteCommand
from histovet.vault import reading, withholding
from histovet.vault.errors import NoActiveRelease
from histovet.vault.models import REFERENCE_MAX, Withheld
from histovet.vault.withholding import (
    AlreadyWithheld,
    NotWithheld,
    Reason,
    ReferenceRefused,
)
from pseudonymizer import normalise
from pseudonymizer.errors import Unusable
from pseudonymizer.records import Identity, Register

# What is asked for, line by line; the last depends on the register.
_ASKED = (
    "Register (SIV or FNI): ",
    "Plate: ",
    "Formula number (SIV) or issue date (FNI): ",
)


class Command(SiteCommand):
    help = (
        "Withhold the report of one vehicle from everybody: its holder, its links, "
        "partners. The vehicle is asked for on standard input, in three lines "
        "(register, plate, formula number or issue date), so that it stands in no "
        "list of processes and in no history of a shell."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        add = acts.add_parser("add", help="withhold the vehicle that is then asked for")
        add.add_argument("--reason", required=True, choices=Reason.values)
        add.add_argument(
            "--reference",
            required=True,
            help=f"where the order is kept, in 1 to {REFERENCE_MAX} characters, "
            "without the plate or the formula number",
        )
        acts.add_parser(
            "renew",
            help="put the withheld vehicle that is then asked for under the active key "
            "of the site, so that the older one can be retired",
        )
        acts.add_parser("list", help="list what is withheld and what was")
        lift = acts.add_parser("lift", help="let a vehicle be read again")
        lift.add_argument("id", type=int, help="as the list shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "add":
            self._add(Reason(options["reason"]), options["reference"])
        elif options["act"] == "renew":
            self._renew()
        elif options["act"] == "lift":
            self._lift(options["id"])
        else:
            for row in Withheld.objects.order_by("number"):
                self.stdout.write(_line(row))

    def _add(self, reason: Reason, reference: str) -> None:
        identity = _asked_identity()
        try:
            opened = reading.read(identity)
        except NoActiveRelease as exc:
            raise CommandError("there is no active release; publish one") from exc
        if opened is None:
            raise CommandError(
                "no vehicle of the active release has this certificate; copy the three "
                "lines from the latest one"
            )
        try:
            row = withholding.withhold(identity, reason, reference, now=timezone.now())
        except ReferenceRefused as exc:
            raise CommandError(
                f"--reference has 1 to {REFERENCE_MAX} printable characters, begins and "
                "ends with none that is blank, and holds neither the plate nor the "
                "formula number"
            ) from exc
        except AlreadyWithheld as exc:
            raise CommandError("this vehicle is withheld already; see: list") from exc
        self.stdout.write(_line(row))

    def _renew(self) -> None:
        try:
            row = withholding.renew(_asked_identity(), now=timezone.now())
        except NotWithheld as exc:
            raise CommandError(
                "no vehicle with this certificate is withheld; see: list"
            ) from exc
        self.stdout.write(_line(row))

    def _lift(self, number: int) -> None:
        try:
            row = withholding.lift(number, now=timezone.now())
        except NotWithheld as exc:
            raise CommandError(f"nothing is withheld as {number}; see: list") from exc
        self.stdout.write(_line(row))


def _asked_identity() -> Identity:
    """Raises CommandError, which repeats nothing that was typed."""
    register, plate, proof = _asked_lines()
    try:
        if register.upper() == Register.SIV:
            return normalise.siv_identity(plate, proof)
        if register.upper() == Register.FNI:
            return normalise.fni_identity(plate, normalise.typed_date(proof))
    except Unusable as exc:
        raise CommandError(f"what was typed is no certificate: {exc.code}") from exc
    raise CommandError("the first line is the register: SIV or FNI")


def _asked_lines() -> list[str]:
    if sys.stdin.isatty():
        try:
            return [input(prompt).strip() for prompt in _ASKED]
        except EOFError as exc:
            raise CommandError("three answers are needed") from exc
    lines = [line.strip() for line in sys.stdin]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) != len(_ASKED):
        raise CommandError(
            "standard input has three lines: the register, the plate, and the formula "
            f"number or issue date; there are {len(lines)}"
        )
    return lines


def _line(row: Withheld) -> str:
    lifted = (
        f"lifted {row.lifted_at:%Y-%m-%d %H:%M} UTC" if row.lifted_at else "withheld"
    )
    return "  ".join(
        (
            str(row.number),
            f"key {row.key_version}",
            f"since {row.since:%Y-%m-%d %H:%M} UTC",
            row.reason,
            row.reference,
            lifted,
        )
    )
