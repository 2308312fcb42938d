import pytest
from django.core.cache import cache

from tests.history.showcase import publish_showcase
from tests.journeys import album


@pytest.fixture(autouse=True)
def pictures(request, monkeypatch):
    name = f"{request.node.path.stem}-{request.node.name}"
    monkeypatch.setattr(album, "folder", request.config.getoption("--pictures"))
    monkeypatch.setattr(album, "test", name)


@pytest.fixture
def shown(transactional_db, tmp_path):
    """The synthetic register is published; its vehicles by kind."""
    # Counters are no model: what the test before counted is still there.
    cache.clear()
    return publish_showcase(tmp_path / "register")
