from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from histovet.commands import SiteCommand
from histovet.sharing.models import End, Link


class Command(SiteCommand):
    help = (
        "End every link, after a backup of the database was restored and before the "
        "site is pointed at it: one that its owner ended since would open again, and "
        "so would one that was opened as often as was permitted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--yes",
            action="store_true",
            help="every link of every owner ends, for good",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("this ends every link of every owner; say --yes")
        ended = Link.objects.all().end(End.KEY_COMPROMISED, timezone.now())
        self.stdout.write(f"ended {ended} links")
