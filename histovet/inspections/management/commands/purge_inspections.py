from typing import Any

from django.utils import timezone

from histovet.commands import SiteCommand
from histovet.inspections.models import Answer


class Command(SiteCommand):
    help = (
        "Delete the kept answers on inspections whose day is over. Run it every hour: "
        "they are read no more, and open only for who has the vehicle's certificate."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        purged = Answer.objects.purge(timezone.now())
        self.stdout.write(f"deleted {purged} kept answers")
