from typing import Any

from django.utils import timezone

from histovet.commands import SiteCommand
from histovet.partners.usage import purge


class Command(SiteCommand):
    help = (
        "Delete what the keys of partners were used for more than 400 days ago. Run it "
        "every day."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        deleted = purge(timezone.now().date())
        self.stdout.write(f"deleted {deleted} days of use")
