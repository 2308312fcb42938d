"""A small register, published, for what sellers and buyers do without a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache

from pseudonymizer.synthetic import Showcase
from tests.history.showcase import publish_showcase
from tests.journeys import handover
from tests.publish import publish


@pytest.fixture
def feed(tmp_path) -> Path:
    return tmp_path / "register"


@pytest.fixture
def shown(transactional_db, feed) -> dict[str, Showcase]:
    # Counters are no model: what the test before counted is still there.
    cache.clear()
    return publish_showcase(feed)


@pytest.fixture
def republish(feed, tmp_path) -> Callable[..., None]:
    """Publish the register again, with changes."""

    def published(changes, **manifest) -> None:
        folder = tmp_path / f"changed-{len(list(tmp_path.iterdir()))}"
        handover.write_changed(feed, folder, changes)
        publish(folder, **{"label": "suite", **manifest})

    return published
