import datetime as dt

import pytest
from django.conf import settings
from django.db import DataError, OperationalError, connection, transaction

from histovet.statements import array_of_bytes, array_of_numbers, one_row
from histovet.usage.models import CountOfDay

POOL_MAX = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "values",
    [[], [b""], [bytes(range(256))], [b'"', b"\\", b"{,}"], [b"NULL", b"\0", b" "]],
)
def test_postgresql_reads_the_bytes_that_were_written(values):
    assert one_row("SELECT %s::bytea[]", (array_of_bytes(values),)) == (values,)


@pytest.mark.parametrize("values", [[], [0], [1, 32767, -5]])
def test_postgresql_reads_the_numbers_that_were_written(values):
    row = one_row("SELECT %s::smallint[]", (array_of_numbers(values),))
    assert row == (values,)


def test_what_a_transaction_has_changed_is_seen_until_it_ends():
    seen = "SELECT current_setting('histovet.seen', true)"
    with transaction.atomic():
        one_row("SELECT set_config('histovet.seen', 'yes', true)", ())
        assert one_row(seen, ()) == ("yes",)
        transaction.set_rollback(True)
    assert one_row(seen, ()) != ("yes",)


@pytest.fixture
def closed(transactional_db):
    """Nothing is open: a request begins so."""
    connection.close()
    yield
    connection.close()


def test_a_statement_leaves_nothing_open(closed):
    for _ in range(2 * POOL_MAX):
        assert one_row("SELECT 1", ()) == (1,)
    assert connection.connection is None


def test_a_statement_that_fails_is_told_as_django_does_and_its_connection_goes_on(
    closed,
):
    with pytest.raises(DataError):
        one_row("SELECT 1 / %s::int", (0,))
    with pytest.raises(OperationalError):
        one_row("SELECT pg_terminate_backend(pg_backend_pid())", ())
    assert one_row("SELECT 1", ()) == (1,)


def test_a_statement_is_committed_whatever_its_connection_did_before(closed):
    for _ in range(2):
        with transaction.atomic():
            assert CountOfDay.objects.count() == 0
            # As when the database goes away: it comes back to the pool as it is.
            connection.close()
    (day,) = one_row(
        "INSERT INTO usage_count (day, what, count) VALUES (%s, 'link', 1) "
        "RETURNING day",
        (dt.date(2026, 11, 27),),
    )
    assert [one.day for one in CountOfDay.objects.all()] == [day]
