from typing import Any

from django.utils import timezone

from histovet.commands import SiteCommand
from histovet.sharing.models import Check, Link
from histovet.statements import one_row


class Command(SiteCommand):
    help = (
        "Erase what the links hold whose time is over, and delete those that ended "
        "90 days ago. Run it every hour: they open nothing since, "
        "and an erased one is lost to whoever steals keys later."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        ended = Link.objects.end_expired(now)
        Check.objects.forget_expired(now)
        # Its own clock tells it which: who may call it may not delete any other.
        (deleted,) = one_row("SELECT sharing_purge_links()", ()) or (0,)
        self.stdout.write(f"ended {ended} links, deleted {deleted}")
