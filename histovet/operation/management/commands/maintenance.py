import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from histovet.operation.models import Maintenance

_LONGEST_MINUTES = 24 * 60


class Command(BaseCommand):
    help = (
        "Close the site on all nodes at once, open it again, or tell which it is. The "
        "owner of the tables runs it: the site's role only reads the row."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("begin", "end", "show"))
        parser.add_argument(
            "--minutes",
            type=int,
            help="how long it will last, which visitors are told; it ends by "
            "`maintenance end` alone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now, minutes = timezone.now(), options["minutes"]
        what = options["what"]
        if minutes is not None and what != "begin":
            raise CommandError("--minutes is for begin alone")
        if minutes is not None and not 1 <= minutes <= _LONGEST_MINUTES:
            raise CommandError(f"--minutes takes 1 to {_LONGEST_MINUTES}")
        if what == "begin":
            until = None if minutes is None else now + dt.timedelta(minutes=minutes)
            Maintenance.objects.update_or_create(
                the_only=True,
                defaults={"until": until},
                create_defaults={"since": now, "until": until},
            )
        elif what == "end":
            Maintenance.objects.all().delete()
        self.stdout.write(_told(Maintenance.objects.first()))


def _told(closed: Maintenance | None) -> str:
    if closed is None:
        return "the site is open"
    until = f", until about {closed.until:%Y-%m-%d %H:%M} UTC" if closed.until else ""
    return f"the site is closed since {closed.since:%Y-%m-%d %H:%M} UTC{until}"
