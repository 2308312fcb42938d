from django.conf import settings as django_settings
from django.core.checks import run_checks


def found() -> list[str]:
    problems = run_checks(tags=["histovet"])
    assert all(problem.hint for problem in problems)
    return [p.id for p in problems if p.id in ("histovet.E021", "histovet.E022")]


def test_our_settings_pass():
    assert found() == []


def test_a_transaction_around_each_request_is_refused(monkeypatch):
    database = django_settings.DATABASES["default"]
    monkeypatch.setitem(database, "ATOMIC_REQUESTS", True)
    assert found() == ["histovet.E021"]


def test_a_cache_that_loses_counts_is_refused(settings):
    backend = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "x"}}
    assert found() == ["histovet.E022"]


def test_redis_passes(settings):
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://r"}}
    assert found() == []
