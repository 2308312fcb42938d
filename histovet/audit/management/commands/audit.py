"""Check the trail, or print it."""

from __future__ import annotations

import argparse
import re
from typing import Any

from django.core.management.base import CommandError, CommandParser

from histovet.audit.models import Entry
from histovet.audit.trail import SHOWN_BYTES, Head, TrailBroken, verify
from histovet.commands import SiteCommand


class Command(SiteCommand):
    help = (
        "Check that no entry of the trail was changed or taken away, or print it. The "
        "owner of the tables runs it, or the role of operators."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("verify", "show"))
        parser.add_argument(
            "--known",
            type=_head,
            metavar="POSITION:MAC",
            help="with verify: an end that was printed or logged before, which the "
            "trail must still hold; without it a cut end is not seen",
        )
        parser.add_argument(
            "--last", type=int, default=50, help="with show: how many; 50"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "show":
            latest = Entry.objects.order_by("-position")[: max(1, options["last"])]
            for entry in reversed(latest):
                self.stdout.write(_line(entry))
            return
        try:
            found = verify(
                Entry.objects.order_by("position").iterator(), known=options["known"]
            )
        except TrailBroken as exc:
            raise CommandError(f"the trail is not as it was written: {exc}") from exc
        told = f"{found.entries} entries are as they were written"
        if found.unreadable:
            told += (
                f", {found.unreadable} of them under retired keys, not checked, the last "
                f"of them entry {found.unreadable_at}"
            )
        self.stdout.write(told)
        self.stdout.write(f"the trail ends with {found.head}")


def _line(entry: Entry) -> str:
    return "  ".join(
        (
            str(entry.position),
            f"{entry.at:%Y-%m-%d %H:%M:%S} UTC",
            f"{entry.actor_kind} {entry.actor}",
            entry.act,
            entry.subject or "-",
            entry.result,
            entry.details,
        )
    ).rstrip()


def _head(text: str) -> Head:
    read = re.fullmatch(rf"([1-9][0-9]{{0,17}}):([0-9a-f]{{{2 * SHOWN_BYTES}}})", text)
    if read is None:
        raise argparse.ArgumentTypeError(
            "this is no end of the trail; write POSITION:MAC as `audit verify` prints it"
        )
    return Head(int(read[1]), bytes.fromhex(read[2]))
