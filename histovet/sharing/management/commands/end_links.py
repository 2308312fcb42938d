from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from histovet.sharing.models import Check, Link


class Command(BaseCommand):
    help = (
        "Erase what the links hold whose time is over. Run it every hour: they open "
        "nothing since, and an erased one is lost to whoever steals keys later."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        ended = Link.objects.end_expired(now)
        Check.objects.forget_expired(now)
        self.stdout.write(f"ended {ended} links")
