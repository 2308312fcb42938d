"""What a request costs the database: each statement takes the site as long as building
the whole document."""

import psycopg
import pytest

from tests.partners import demands

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def executed(monkeypatch):
    """Give what is sent to PostgreSQL."""
    sent = []
    execute = psycopg.Cursor.execute

    def told(self, query, *arguments, **options):
        sent.append(query)
        return execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", told)
    return sent


def test_a_report_by_data_takes_two_statements(ask, make_key, executed):
    _, key = make_key()
    # The first of the day begins the day.
    assert ask(demands.FULL, with_key=key).status_code == 200
    executed.clear()
    assert ask(demands.FULL, with_key=key).status_code == 200
    admitted, read = executed
    assert "partners_use" in admitted and "vault_read_record" in read
