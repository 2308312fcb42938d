"""A code for partners to try, of a vehicle of a synthetic register."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from histovet.commands import SiteCommand
from histovet.history.retrieve import retrieve
from histovet.partners.demand import parse_data_demand
from histovet.partners.problems import Refused
from histovet.sharing import codes, links
from histovet.sharing.codes import Kind
from pseudonymizer.envelope import SECRET_BYTES

DEFAULT_DAYS = 30
DAYS_MAX = 90


class Command(SiteCommand):
    help = (
        "Make a link to a vehicle, as its seller would, and print its code as the last "
        "line. The vehicle is told as in a demand by data, in a file or on standard "
        "input, never on the command line: docs/partners.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("demand", help="a JSON file, - for standard input")
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS)

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= DAYS_MAX:
            raise CommandError(f"--days is a number from 1 to {DAYS_MAX}")
        demand = options["demand"]
        try:
            body = (
                sys.stdin.buffer.read() if demand == "-" else Path(demand).read_bytes()
            )
            enquiry = parse_data_demand(body).enquiry
        except OSError as exc:
            raise CommandError(f"the file cannot be read: {exc.strerror}") from exc
        except Refused as exc:
            wrong = ", ".join(f"{one.field} {one.code}" for one in exc.errors)
            raise CommandError(f"this is no demand by data: {wrong}") from exc
        opened = retrieve(enquiry)
        if opened is None:
            raise CommandError("no vehicle of the register has these data")
        try:
            secret = links.create(
                enquiry.identity,
                opened,
                # Nobody needs to see it in a list of links.
                os.urandom(SECRET_BYTES),
                life=dt.timedelta(days=options["days"]),
                now=timezone.now(),
            )
        except links.NotShareable as exc:
            raise CommandError("a link to this vehicle would be over at once") from exc
        except links.TooManyLinks as exc:
            raise CommandError("this vehicle has as many links as it may") from exc
        self.stdout.write(codes.grouped(codes.encode(secret, Kind.LINK)))
