"""4 processes × 1,000 counted attempts are exactly 4,000."""

import os
import subprocess
import sys
import time

import pytest
from django.core.cache import cache
from django.db import connection

from histovet.limits.counting import count
from tests.publish import database_url

PROCESSES = 4
ATTEMPTS = 1000


@pytest.mark.django_db
def test_the_first_is_one_and_the_others_follow():
    cache.clear()
    assert [count("k", 60), count("k", 60), count("other", 60)] == [1, 2, 1]
    assert cache.get("k") == 2


@pytest.mark.django_db
def test_a_counter_that_expires_while_it_is_counted_begins_again():
    """It lasts about as long as two statements, and ends between them again and again."""
    begun = sum(count("short", 0.0004) == 1 for _ in range(3000))
    assert begun > 1


@pytest.mark.django_db(transaction=True)
def test_no_attempt_of_several_processes_is_lost():
    cache.clear()
    command = [sys.executable, "-m", "tests.limits.attempts", str(ATTEMPTS)]
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "histovet.settings",
    }
    begin = str(time.time() + 2)
    workers = [
        subprocess.Popen([*command, begin], env=environment) for _ in range(PROCESSES)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0] * PROCESSES
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM limits_counter")
        counted = [value for (value,) in cursor]
    cache.clear()
    assert counted == [PROCESSES * ATTEMPTS]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_fails_keeps_what_it_counted(client, settings):
    cache.clear()
    settings.ROOT_URLCONF = "tests.limits.failing_urls"
    client.raise_request_exception = False
    assert client.get("/counts-and-fails/").status_code == 500
    connection.close()
    assert cache.get("attempt") == 1
    cache.clear()
