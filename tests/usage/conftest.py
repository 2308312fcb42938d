import pytest

from histovet.operation import watch
from histovet.usage import daily_counts, figures
from histovet.usage.daily_counts import DailyCounts, What


@pytest.fixture
def counts(monkeypatch) -> DailyCounts:
    """What this process counts, of which nothing is there before."""
    fresh = DailyCounts()
    for module in (daily_counts, watch):
        monkeypatch.setattr(module, "daily_counts", fresh)
    return fresh


@pytest.fixture(autouse=True)
def nothing_published_yet():
    figures.figures.cache_clear()
    yield
    figures.figures.cache_clear()


@pytest.fixture
def rows(db):
    """Write counts of days: {"2026-11-25": {What.LINK: 12}}."""

    def write(days: dict[str, dict[What, int]]) -> None:
        from histovet.usage.models import CountOfDay

        CountOfDay.objects.bulk_create(
            CountOfDay(day=day, what=what, count=count)
            for day, found in days.items()
            for what, count in found.items()
        )

    return write
