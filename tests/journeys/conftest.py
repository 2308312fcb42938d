import pytest
from django.core.cache import cache

from tests.history.showcase import publish_showcase
from tests.journeys import album


@pytest.fixture(autouse=True)
def pictures(request, monkeypatch):
    monkeypatch.setattr(album, "folder", request.config.getoption("--pictures"))
    monkeypatch.setattr(album, "test", request.node.nodeid.rpartition("/")[2])


@pytest.fixture
def shown(transactional_db, tmp_path):
    """The synthetic register is published; its vehicles by kind."""
    # Counters are no model: what the test before counted is still there.
    cache.clear()
    return publish_showcase(tmp_path / "register")
