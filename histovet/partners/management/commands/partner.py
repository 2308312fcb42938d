"""Make, list, rotate, suspend and resume the keys of partners."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from histovet.audit.trail import Actor
from histovet.commands import SiteCommand
from histovet.partners import acts
from histovet.partners.acts import DEFAULT_DAYS, DEFAULT_OVERLAP, DEFAULT_RATE
from histovet.partners.auth import shown_part
from histovet.partners.models import (
    RATE,
    SCOPES,
    WHY_MAX,
    KeyChanged,
    KeyEnded,
    PartnerKey,
    Scope,
)

_OVERLAP = re.compile("([1-9][0-9]{0,2})([dh])")


class Command(SiteCommand):
    help = (
        "Make a key for a partner and print it, once, as the last line. A name may "
        "have several keys. Before one ends, rotate it: the new key has the same terms, "
        "and the old one works until the new one is in place."
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
        parser.add_argument(
            "--json", action="store_true", help="with --list: one JSON document"
        )
        parser.add_argument(
            "--rotate",
            metavar="KEY",
            help="beginning of a key: print a new one with the same terms, until "
            "--expires",
        )
        parser.add_argument(
            "--overlap",
            type=_overlap,
            metavar="14d",
            help="with --rotate: for how long the old key still works, in days or "
            f"hours; {DEFAULT_OVERLAP.days}d when not given",
        )
        parser.add_argument("--suspend", metavar="KEY", help="beginning of a key")
        parser.add_argument(
            "--why",
            type=_why,
            help="with --suspend: for the list, in one line",
        )
        parser.add_argument("--resume", metavar="KEY", help="beginning of a key")

    def handle(self, *args: Any, **options: Any) -> None:
        acts = ("list", "rotate", "suspend", "resume")
        wanted = [word for word in acts if options[word]]
        if len(wanted) + bool(options["name"]) != 1:
            raise CommandError(
                "give one of: the name of a partner, --list, --rotate, --suspend, "
                "--resume"
            )
        for option, act in (
            ("json", "list"),
            ("overlap", "rotate"),
            ("why", "suspend"),
        ):
            if options[option] and not options[act]:
                raise CommandError(f"--{option} goes with --{act}")
        now = timezone.now()
        if options["list"]:
            self._list(now, as_json=options["json"])
        elif options["name"]:
            self._issue(options, now)
        else:
            self._change(options, now)

    def _change(self, options: dict[str, Any], now: dt.datetime) -> None:
        try:
            if options["rotate"]:
                self._rotate(options, now)
            elif options["suspend"]:
                acts.suspend(
                    Actor.of_this_command(),
                    self._one(options["suspend"]),
                    now,
                    options["why"] or "",
                )
                self.stdout.write("suspended")
            else:
                acts.resume(Actor.of_this_command(), self._one(options["resume"]), now)
                self.stdout.write("resumed")
        except KeyChanged as exc:
            raise CommandError(
                "the row of this key was changed by other means than this command, or "
                "the site's key ring was: the key is refused already; make a new one"
            ) from exc
        except KeyEnded as exc:
            raise CommandError(
                "this key is suspended or has expired; make a new one"
            ) from exc

    def _rotate(self, options: dict[str, Any], now: dt.datetime) -> None:
        terms = ("all_scopes", "scope", "daily_quota", "replace")
        if any(options[term] for term in terms) or options["rate"] != DEFAULT_RATE:
            raise CommandError("a rotated key has the terms of the old one")
        old = self._one(options["rotate"])
        row, key = acts.rotate(
            Actor.of_this_command(),
            old,
            now,
            ends_at=now + (options["overlap"] or DEFAULT_OVERLAP),
            expires_at=_end(options["expires"], now),
        )
        self._show(old, now)
        self._show(row, now)
        self._show_key(key)

    def _issue(self, options: dict[str, Any], now: dt.datetime) -> None:
        try:
            name = acts.named(options["name"])
        except acts.TermsRefused as exc:
            raise CommandError(str(exc)) from exc
        if options["all_scopes"] and options["scope"]:
            raise CommandError("give --all-scopes or --scope, not both")
        scopes = SCOPES if options["all_scopes"] else options["scope"]
        row, key = acts.issue(
            Actor.of_this_command(),
            now,
            name=name,
            scopes=scopes,
            rate=options["rate"],
            daily_quota=options["daily_quota"],
            expires_at=_end(options["expires"], now),
        )
        if options["replace"]:
            suspended = acts.suspend_others(Actor.of_this_command(), row, now)
            self.stdout.write(f"suspended {suspended} other keys of {name}")
        self._show(row, now)
        self._show_key(key)

    def _show(self, row: PartnerKey, now: dt.datetime) -> None:
        self.stdout.write(_line(row, now))

    def _show_key(self, key: str) -> None:
        self.stdout.write("The key is shown this once:")
        self.stdout.write(key)

    def _list(self, now: dt.datetime, *, as_json: bool) -> None:
        rows = PartnerKey.objects.order_by("name", "created_at")
        if as_json:
            listed = [_listed(row, now) for row in rows]
            self.stdout.write(json.dumps(listed, ensure_ascii=False, indent=2))
            return
        for row in rows:
            self._show(row, now)

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
    state = row.state(now)
    if row.suspended_why and state == "suspended":
        state = f"suspended ({row.suspended_why})"
    return "  ".join(
        (
            f"{row.shown}…",
            row.name,
            state,
            f"until {row.expires_at:%Y-%m-%d %H:%M} UTC",
            row.rate,
            f"{row.daily_quota} reports/day" if row.daily_quota else "no quota",
            ",".join(row.scopes),
            f"last used {row.last_used_on or 'never'}",
            f"id={row.pk}",
        )
    )


def _listed(row: PartnerKey, now: dt.datetime) -> dict[str, Any]:
    suspended_at, used_on = row.suspended_at, row.last_used_on
    return {
        "id": row.pk,
        "begins_with": row.shown,
        "partner": row.name,
        "state": row.state(now),
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "rate": row.rate,
        "daily_quota": row.daily_quota,
        "scopes": row.scopes,
        "suspended_at": suspended_at.isoformat() if suspended_at else None,
        "suspended_why": row.suspended_why,
        "last_used_on": used_on.isoformat() if used_on else None,
    }


def _end(last_day: dt.date | None, now: dt.datetime) -> dt.datetime:
    try:
        return acts.end_of(last_day, now)
    except acts.TermsRefused as exc:
        raise CommandError(f"--expires {exc}") from exc


def _overlap(text: str) -> dt.timedelta:
    read = _OVERLAP.fullmatch(text)
    if read is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no overlap; write for example 14d or 48h"
        )
    count = int(read[1])
    return dt.timedelta(days=count) if read[2] == "d" else dt.timedelta(hours=count)


def _why(text: str) -> str:
    line = " ".join(text.split())
    if not (1 <= len(line) <= WHY_MAX and line.isprintable()):
        raise argparse.ArgumentTypeError(f"a reason has 1 to {WHY_MAX} characters")
    return line


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
