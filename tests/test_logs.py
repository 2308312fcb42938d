import json
import logging
import os
import re

import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter, get_exception_reporter_filter

from histovet.logs import LineFormatter, OnceAMinute

CANARY = "CANARY-AB123CD"


def line(record: logging.LogRecord) -> str:
    return LineFormatter().format(record)


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord(
        "histovet.test", logging.WARNING, __file__, 1, message, arguments, None
    )
    made.__dict__.update(extra)
    return made


def test_a_line_has_time_level_logger_and_message():
    made = record("release active label=%s", "2026-11")
    made.created = 1795341600.5
    assert line(made) == (
        "2026-11-22T10:00:00.500Z WARNING histovet.test release active label=2026-11"
    )


def test_a_message_of_several_lines_stays_one_line():
    assert "\n" not in line(record("first\nsecond"))


def test_an_exception_is_told_by_type_and_place_without_its_message():
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as exc:
            raise ValueError(f"no vehicle {CANARY}") from exc
    except ValueError as exc:
        made = record("failed", exc_info=(type(exc), exc, exc.__traceback__))
    text = line(made)
    assert "exception=builtins.ValueError" in text
    assert "caused_by exception=builtins.KeyError" in text
    assert "test_logs.py" in text
    assert CANARY not in text


def test_a_request_is_told_by_method_and_status_without_its_address():
    request = RequestFactory().get(f"/r/{CANARY}?plate={CANARY}")
    made = record("Not Found: %s", request.path, request=request, status_code=404)
    text = line(made)
    assert "request method=GET route=(no page) status=404" in text
    assert CANARY not in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/r/{CANARY}", 404),
        (f"/en/r/{CANARY}", 404),
        (f"/{CANARY}/?q={CANARY}", 404),
        ("/", 400),
    ],
)
def test_nothing_a_visitor_sends_reaches_the_log(client, caplog, path, status):
    host = f"{CANARY.lower()}.example" if status == 400 else "testserver"
    answer = client.get(path, headers={"host": host, "user-agent": CANARY})
    assert answer.status_code == status
    lines = [line(made) for made in caplog.records]
    assert any(f"status={status}" in text for text in lines)
    assert not any(CANARY.lower() in text.lower() for text in lines)


@pytest.mark.urls("tests.pages.failing_urls")
def test_what_was_typed_before_a_failure_does_not_reach_the_log(client, caplog):
    client.raise_request_exception = False
    answer = client.post("/fails/", {"name": CANARY})
    assert answer.status_code == 500
    lines = [line(made) for made in caplog.records]
    assert any("route=/fails/ status=500" in text for text in lines)
    assert any("exception=builtins.RuntimeError" in text for text in lines)
    assert not any(CANARY in text for text in lines)


def test_a_report_by_django_would_hold_nothing_that_was_typed():
    request = RequestFactory().post("/", {"name": CANARY})
    request.COOKIES["owner"] = CANARY
    request.META["HTTP_REFERER"] = CANARY
    local_secret = CANARY
    try:
        raise RuntimeError("failed")
    except RuntimeError as exc:
        reporter = ExceptionReporter(request, type(exc), exc, exc.__traceback__)
    chosen = get_exception_reporter_filter(request)
    assert chosen.get_post_parameters(request) == {}
    data = reporter.get_traceback_data()
    assert all(frame["vars"] == [] for frame in data["frames"])
    assert data["settings"] == {}
    assert local_secret not in str(chosen.get_safe_request_meta(request))
    assert local_secret not in str(chosen.get_safe_cookies(request))
    assert local_secret not in str(data["filtered_POST_items"])


def test_a_line_that_cannot_be_written_is_lost_and_shown_nowhere(capfd):
    with open("/dev/full", "w", buffering=1) as full:
        handler = logging.StreamHandler(full)
        handler.setFormatter(LineFormatter())
        handler.handle(record(CANARY))
        # What is still in its buffer would fail again when it is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert capfd.readouterr() == ("", "")


def test_of_what_is_said_many_times_a_second_one_line_a_minute_is_kept():
    once = OnceAMinute()
    kept = []
    for second in range(150):
        for message in ("no connection: %s", "gave up after %s"):
            made = record(message, second)
            made.created = 1_000_000.0 + second
            if once.filter(made):
                kept.append((message, second))
    assert kept == [
        (message, second)
        for second in (0, 60, 120)
        for message in ("no connection: %s", "gave up after %s")
    ]


def as_json(record: logging.LogRecord) -> dict:
    text = LineFormatter(as_json=True).format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_may_be_an_object():
    made = record("release active\nlabel=%s", "2026-11")
    made.created = 1795341600.5
    assert as_json(made) == {
        "time": "2026-11-22T10:00:00.500Z",
        "level": "WARNING",
        "logger": "histovet.test",
        "message": "release active\nlabel=2026-11",
    }


def test_an_object_tells_of_a_request_what_a_line_tells():
    request = RequestFactory().get(f"/r/{CANARY}?plate={CANARY}")
    made = record("Not Found: %s", request.path, request=request, status_code=404)
    document = as_json(made)
    del document["time"]
    assert document == {
        "level": "WARNING",
        "logger": "histovet.test",
        "message": "request",
        "method": "GET",
        "route": "(no page)",
        "status": 404,
    }


def test_an_object_tells_an_exception_by_type_and_place():
    try:
        raise ValueError(f"no vehicle {CANARY}")
    except ValueError as exc:
        made = record("failed", exc_info=(type(exc), exc, exc.__traceback__))
    document = as_json(made)
    assert document["exception"].startswith("exception=builtins.ValueError at=")
    assert CANARY not in str(document)


def test_each_request_has_a_number_of_its_own_in_answer_and_log(client, caplog):
    answers = [client.get("/nowhere/") for _ in range(2)]
    numbers = [answer.headers["X-Request-Id"] for answer in answers]
    assert numbers[0] != numbers[1]
    assert all(re.fullmatch("[0-9a-f]{32}", number) for number in numbers)
    logged = [made for made in caplog.records if made.name == "django.request"]
    assert [as_json(made)["request_id"] for made in logged] == numbers
    for made, number in zip(logged, numbers, strict=True):
        assert line(made).endswith(f"status=404 request_id={number}")


def test_a_number_of_the_clients_choice_is_not_taken(client, caplog):
    answer = client.get(
        "/nowhere/", headers={"x-request-id": CANARY, "histovet.request_id": CANARY}
    )
    assert CANARY not in answer.headers["X-Request-Id"]
    assert not any(CANARY in line(made) for made in caplog.records)


@pytest.mark.urls("tests.pages.failing_urls")
def test_a_line_written_within_a_request_carries_its_number(client, caplog):
    client.raise_request_exception = False
    numbers = []

    class Kept(logging.Handler):
        def emit(self, made: logging.LogRecord) -> None:
            numbers.append(as_json(made).get("request_id"))

    kept = Kept()
    logging.getLogger("tests.pages.failing_urls").addHandler(kept)
    try:
        answer = client.post("/logs/")
    finally:
        logging.getLogger("tests.pages.failing_urls").removeHandler(kept)
    assert numbers == [answer.headers["X-Request-Id"]]
    assert "request_id" not in as_json(record("after it"))
