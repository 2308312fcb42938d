"""Rules between settings without which attempts are not counted.

histovet.E021  a request that fails takes back what it counted
histovet.E022  the counters are not in a cache that every worker shares and that counts
               atomically
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import DEFAULT_DB_ALIAS

_COUNTING = "histovet.limits.cache.CountingCache"
_ATOMIC_BACKENDS = (_COUNTING, "django.core.cache.backends.redis.RedisCache")


@register("histovet")
def counts_are_kept(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.DATABASES[DEFAULT_DB_ALIAS].get("ATOMIC_REQUESTS"):
        yield Error(
            "ATOMIC_REQUESTS is on: a request that fails takes back its own count.",
            hint="Turn it off; who needs a transaction opens one with atomic().",
            id="histovet.E021",
        )


@register("histovet")
def counts_are_exact(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Iterator[CheckMessage]:
    backend = settings.CACHES["default"]["BACKEND"]
    if backend not in _ATOMIC_BACKENDS:
        yield Error(
            f"The default cache is {backend}, which loses counts or shares none.",
            hint=f"Use {_COUNTING}.",
            id="histovet.E022",
        )
