from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from histovet.audit.trail import Actor
from histovet.commands import SiteCommand
from histovet.operation import acts
from histovet.operation.models import Maintenance


class Command(SiteCommand):
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
        if minutes is not None and not 1 <= minutes <= acts.LONGEST_MINUTES:
            raise CommandError(f"--minutes takes 1 to {acts.LONGEST_MINUTES}")
        if what == "begin":
            acts.begin(Actor.of_this_command(), now, minutes)
        elif what == "end":
            acts.end(Actor.of_this_command(), now)
        self.stdout.write(_told(Maintenance.objects.first()))


def _told(closed: Maintenance | None) -> str:
    if closed is None:
        return "the site is open"
    until = f", until about {closed.until:%Y-%m-%d %H:%M} UTC" if closed.until else ""
    return f"the site is closed since {closed.since:%Y-%m-%d %H:%M} UTC{until}"
