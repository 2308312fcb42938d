import pytest

from histovet.statements import array_of_bytes, array_of_numbers, one_row

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
