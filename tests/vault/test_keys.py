"""A request looks at the file of a ring once, the next one again."""

from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path

import pytest

from histovet.logs import current_request_id
from histovet.vault import keys
from pseudonymizer.key_ring import HeldRing


@pytest.fixture
def rotate(settings, tmp_path):
    """Make the site's ring a copy that the test may rotate."""
    path = tmp_path / "site.json"
    path.write_bytes(Path(settings.SITE_KEYS_PATH).read_bytes())
    path.chmod(0o600)
    settings.SITE_KEYS_PATH = path

    def rotate() -> None:
        held = HeldRing(path, "site")
        held.write(held.with_new_key(bytes(range(32)), is_active=True), None)

    return rotate


def in_request(number: str, seen: Callable[[], object]) -> object:
    def answered() -> object:
        current_request_id.set(number)
        return seen()

    return copy_context().run(answered)


def test_a_request_sees_one_ring_and_the_next_one_the_new_ring(rotate):
    before = keys.site_ring()

    def rotated_meanwhile() -> None:
        assert keys.site_ring() is before
        rotate()
        assert keys.site_ring() is before

    in_request("first", rotated_meanwhile)
    after = in_request("second", keys.site_ring)
    assert after.active == before.active + 1


def test_what_is_no_request_looks_each_time(rotate):
    before = keys.site_ring()
    rotate()
    assert keys.site_ring().active == before.active + 1


def test_a_request_may_look_anew(rotate):
    def rotated_meanwhile() -> None:
        before = keys.site_ring()
        rotate()
        keys.look_anew()
        assert keys.site_ring().active == before.active + 1

    in_request("first", rotated_meanwhile)


def test_a_thread_sees_in_its_next_request_what_it_did_not_in_this_one(rotate):
    def two_requests() -> None:
        current_request_id.set("first")
        before = keys.site_ring()
        rotate()
        current_request_id.set("second")
        assert keys.site_ring().active == before.active + 1

    copy_context().run(two_requests)
