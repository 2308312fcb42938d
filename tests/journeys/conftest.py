import pytest
from django.core.cache import cache

from tests.history.showcase import publish_showcase


@pytest.fixture
def shown(transactional_db, tmp_path):
    """The synthetic register is published; its vehicles by kind."""
    # Counters are no model: what the test before counted is still there.
    cache.clear()
    return publish_showcase(tmp_path / "register")
