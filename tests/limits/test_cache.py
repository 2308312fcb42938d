import time

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection

from histovet.limits.cache import CountingCache

pytestmark = pytest.mark.django_db


@pytest.fixture
def cache():
    return CountingCache("", {})


@pytest.fixture
def other():
    """The cache of another thread: it knows only what is in the table."""
    return CountingCache("", {})


def rows() -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest, value, expires_at FROM limits_counter")
        return cursor.fetchall()


def expire_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE limits_counter SET expires_at = now() - interval '1 second'"
        )


def test_the_default_cache_is_this_one():
    assert isinstance(caches["default"], CountingCache)


def test_what_was_never_added_is_not_there(cache):
    assert cache.get("nothing") is None
    assert cache.get("nothing", 7) == 7
    assert not cache.has_key("nothing")
    with pytest.raises(ValueError):
        cache.incr("nothing")


def test_it_is_added_once_and_then_counted(cache):
    assert cache.add("k", 1, 60)
    assert not cache.add("k", 1, 60)
    assert [cache.incr("k"), cache.incr("k", 3), cache.decr("k", 2)] == [2, 5, 3]
    assert cache.get("k") == 3


def test_another_thread_counts_on(cache, other):
    cache.add("k", 1, 60)
    assert not other.add("k", 1, 60)
    assert other.incr("k") == 2
    # Now both know that it is there.
    assert not other.add("k", 1, 60)
    assert [other.incr("k"), cache.incr("k"), other.incr("k")] == [3, 4, 5]


@pytest.mark.parametrize("knows", [True, False])
def test_what_has_expired_starts_again(cache, other, knows):
    cache.add("k", 1, 60)
    cache.incr("k")
    expire_everything()
    counting = cache if knows else other
    assert counting.get("k") is None
    if not knows:
        with pytest.raises(ValueError):
            counting.incr("k")
        assert counting.add("k", 1, 60)
    else:
        assert counting.incr("k") == 1
    assert counting.incr("k") == 2


def test_a_thread_forgets_a_counter_when_its_time_is_over(cache):
    cache.add("k", 1, 0.02)
    time.sleep(0.03)
    assert cache.add("k", 1, 60)
    assert cache.incr("k") == 2


def test_a_counter_that_another_thread_deleted_is_counted_anew(cache, other):
    cache.add("k", 1, 60)
    cache.incr("k")
    assert other.delete("k")
    assert not other.delete("k")
    assert [cache.incr("k"), other.get("k")] == [1, 1]


def test_set_touch_and_delete(cache):
    cache.set("k", 5, 60)
    assert cache.get("k") == 5
    cache.set("k", 6)
    assert cache.incr("k") == 7
    assert cache.touch("k", 0)
    assert cache.get("k") is None
    assert not cache.touch("k", 60)
    assert not cache.delete("k")


def test_a_timeout_of_none_lasts(cache, other):
    cache.set("k", 5, None)
    assert other.incr("k") == 6
    assert rows()[0][2].year > 2100


def test_many_at_once(cache):
    assert cache.set_many({"a": 1, "b": 2}, 60) == []
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
    cache.clear()
    assert cache.get_many(["a", "b"]) == {}


def test_versions_are_apart(cache):
    cache.set("k", 1, version=1)
    cache.set("k", 2, version=2)
    assert (cache.get("k", version=1), cache.get("k", version=2)) == (1, 2)


@pytest.mark.parametrize("value", ["1", 1.0, True, None, [1]])
def test_it_holds_whole_numbers_alone(cache, value):
    with pytest.raises(TypeError, match="whole numbers"):
        cache.set("k", value)
    with pytest.raises(TypeError, match="whole numbers"):
        cache.add("k", value)


def test_the_table_holds_no_key_as_it_was_given(cache):
    cache.set("client 192.0.2.7 AA-123-AA", 1)
    ((digest, _, _),) = rows()
    assert len(bytes(digest)) == 16
    assert b"192" not in bytes(digest)


def test_the_table_is_unlogged(cache):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relpersistence FROM pg_class WHERE relname = 'limits_counter'"
        )
        assert cursor.fetchone() == ("u",)


def test_purging_deletes_what_has_expired_and_nothing_else(cache, capsys):
    cache.set("old", 1, 60)
    expire_everything()
    cache.set("live", 1, 60)
    call_command("purge_limits")
    assert capsys.readouterr().out == "deleted 1 expired counters\n"
    assert len(rows()) == 1
    assert cache.get("live") == 1
