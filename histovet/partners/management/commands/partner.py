"""Make, list, suspend and resume the keys of partners."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from histovet.partners.auth import shown_part
from histovet.partners.models import (
    NAME_MAX,
    RATE,
    SCOPES,
    KeyChanged,
    PartnerKey,
    Scope,
)

DEFAULT_RATE = "10/s"
DEFAULT_DAYS = 365


class Command(BaseCommand):
    help = (
        "Make a key for a partner and print it, once, as the last line. A name may "
        "have several keys: make the new one, have it put in place, then suspend the "
        "old one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="the partner, as in the contract")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            choices=SCOPES,
            help="what the key may ask for, several times for several; "
            f"{Scope.REPORT_BY_CODE.value} when none is given",
        )
        parser.add_argument("--all-scopes", action="store_true")
        parser.add_argument(
            "--rate",
            type=_rate,
            default=DEFAULT_RATE,
            help=f"requests a second, minute or hour, for example {DEFAULT_RATE} "
            "(the default), 300/m or 5000/h",
        )
        parser.add_argument(
            "--daily-quota", type=_quota, help="reports a day; no limit when not given"
        )
        parser.add_argument(
            "--expires",
            type=_day,
            help="last day of the key, YYYY-MM-DD in UTC; "
            f"in {DEFAULT_DAYS} days when not given",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="suspend the other keys of this name at once",
        )
        parser.add_argument("--list", action="store_true", help="list every key")
        parser.add_argument("--suspend", metavar="KEY", help="beginning of a key")
        parser.add_argument("--resume", metavar="KEY", help="beginning of a key")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [word for word in ("list", "suspend", "resume") if options[word]]
        if len(wanted) + bool(options["name"]) != 1:
            raise CommandError(
                "give one of: the name of a partner, --list, --suspend, --resume"
            )
        now = timezone.now()
        if options["list"]:
            self._list(now)
        elif options["name"]:
            self._issue(options, now)
        else:
            self._suspend_or_resume(options, now)

    def _suspend_or_resume(self, options: dict[str, Any], now: dt.datetime) -> None:
        try:
            if options["suspend"]:
                self._one(options["suspend"]).suspend(now)
                self.stdout.write("suspended")
            else:
                self._one(options["resume"]).resume()
                self.stdout.write("resumed")
        except KeyChanged as exc:
            raise CommandError(
                "the row of this key was changed by other means than this command, or "
                "the site's key ring was: the key is refused already; make a new one"
            ) from exc

    def _issue(self, options: dict[str, Any], now: dt.datetime) -> None:
        name = " ".join(options["name"].split())
        if not 1 <= len(name) <= NAME_MAX:
            raise CommandError(f"the name of a partner has 1 to {NAME_MAX} characters")
        if options["all_scopes"] and options["scope"]:
            raise CommandError("give --all-scopes or --scope, not both")
        scopes = SCOPES if options["all_scopes"] else options["scope"]
        last_day = options["expires"] or now.date() + dt.timedelta(days=DEFAULT_DAYS)
        if last_day < now.date():
            raise CommandError(f"--expires {last_day} is in the past")
        row, key = PartnerKey.issue(
            name=name,
            scopes=scopes or [Scope.REPORT_BY_CODE.value],
            rate=options["rate"],
            daily_quota=options["daily_quota"],
            expires_at=dt.datetime.combine(
                last_day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC
            ),
            now=now,
        )
        if options["replace"]:
            suspended = PartnerKey.objects.others_of(row).suspend(now)
            self.stdout.write(f"suspended {suspended} other keys of {name}")
        self.stdout.write(_line(row, now))
        self.stdout.write("The key is shown this once:")
        self.stdout.write(key)

    def _list(self, now: dt.datetime) -> None:
        for row in PartnerKey.objects.order_by("name", "created_at"):
            self.stdout.write(_line(row, now))

    def _one(self, shown: str) -> PartnerKey:
        # Who pastes a whole key by mistake is understood, and the key is not echoed.
        found = list(PartnerKey.objects.filter(shown=shown_part(shown)))
        if len(found) != 1:
            raise CommandError(
                f"{len(found)} keys begin like this; copy the beginning from: "
                "python manage.py partner --list"
            )
        return found[0]


def _line(row: PartnerKey, now: dt.datetime) -> str:
    return "  ".join(
        (
            f"{row.shown}…",
            row.name,
            row.state(now),
            f"until {row.expires_at:%Y-%m-%d %H:%M} UTC",
            row.rate,
            f"{row.daily_quota} reports/day" if row.daily_quota else "no quota",
            ",".join(row.scopes),
            f"last used {row.last_used_on or 'never'}",
        )
    )


def _rate(text: str) -> str:
    if not RATE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no rate; write for example 100/s, 300/m or 5000/h"
        )
    return text


def _quota(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) <= 2**31 - 1):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no quota; write a number of reports from 1"
        )
    return int(text)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date; write YYYY-MM-DD"
        ) from exc
