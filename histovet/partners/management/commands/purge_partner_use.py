from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from histovet.partners.usage import purge


class Command(BaseCommand):
    help = (
        "Delete what the keys of partners were used for more than 400 days ago. Run it "
        "every day."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        deleted = purge(timezone.now().date())
        self.stdout.write(f"deleted {deleted} days of use")
