import datetime as dt

from histovet.limits.keys import counter_digest, throttle_value

DAY = dt.date(2026, 11, 22)


def test_a_throttle_value_is_16_bytes_and_shows_nothing():
    value = throttle_value("plate", "AA-123-AA", DAY)
    assert len(bytes.fromhex(value)) == 16
    assert value == throttle_value("plate", "AA-123-AA", DAY)


def test_it_changes_with_the_day_the_purpose_and_the_value():
    values = {
        throttle_value("plate", "AA123AA", DAY),
        throttle_value("plate", "AA123AA", DAY + dt.timedelta(days=1)),
        throttle_value("client", "AA123AA", DAY),
        throttle_value("plate", "AA123AB", DAY),
        # The purpose and the value do not run into each other.
        throttle_value("plat", "eAA123AA", DAY),
    }
    assert len(values) == 5


def test_a_throttle_value_is_no_counter_digest():
    assert counter_digest("x").hex() != throttle_value("", "x", DAY)
    assert len(counter_digest("x")) == 16
