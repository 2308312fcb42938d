from typing import Any

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.management.base import CommandError

from histovet.commands import SiteCommand
from histovet.limits.cache import CountingCache


class Command(SiteCommand):
    help = (
        "Delete the counters of attempts that have expired. Run it every hour: until "
        "then they only take room, and name nobody."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        backend = caches[DEFAULT_CACHE_ALIAS]
        if not isinstance(backend, CountingCache):
            raise CommandError(
                "the default cache is not the CountingCache; nothing to purge"
            )
        self.stdout.write(f"deleted {backend.purge()} expired counters")
