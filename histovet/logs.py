"""What may stand in a log line or an error report: nothing that a visitor sent.

A line is `time level logger message` followed by `key=value` pairs, or a JSON object of
the same (`time`, `level`, `logger`, `message`; `request_id`, `exception` where there is
one; `method`, `route`, `status` of a request). A request is told
by its method, the pattern it matched and the status; its address stays out, because a
link's stands under /r/ and what somebody types into the address bar is anybody's guess.
"""

import copy
import datetime as dt
import json
import logging
import sys
import traceback
from collections.abc import ItemsView, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

_ExcInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)


# A line that cannot be written, as on a full disk, is lost: logging would otherwise write
# its message and all that was put into it to standard error.
logging.raiseExceptions = False

_MINUTE = 60.0

# Where a request keeps its number, and that nothing is to be logged of it. No header of
# a client becomes a name with a point.
REQUEST_ID = "histovet.request_id"
UNLOGGED = "histovet.unlogged"

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


def method_of(request: HttpRequest) -> str:
    """A method is a word of the client's choice: an unknown one is "(other)"."""
    return request.method if request.method in _METHODS else "(other)"


class OfNoProbe(logging.Filter):
    """Leaves out what Django says of a request that nothing is to be logged of."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        return not (isinstance(request, HttpRequest) and UNLOGGED in request.META)


class OnceAMinute(logging.Filter):
    """Lets one line of a kind through in a minute, for who says the same many times a
    second. A kind is a message without what is put into it."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = str(record.msg)
        is_due = record.created - self._last.get(kind, -_MINUTE) >= _MINUTE
        if is_due:
            self._last[kind] = record.created
        return is_due


class LineFormatter(logging.Formatter):
    """One line a record; an exception is its type and places, never its message."""

    def __init__(self, *, as_json: bool = False) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        asked = self._asked(record)
        further = {"request_id": self._request_id(record)}
        if record.exc_info and record.exc_info[0]:
            further["exception"] = self.formatException(record.exc_info)
        further = {name: value for name, value in further.items() if value}
        if self._as_json:
            document = {
                "time": time,
                "level": record.levelname,
                "logger": record.name,
                "message": "request" if asked else self._message(record),
                **asked,
                **further,
            }
            return json.dumps(document, ensure_ascii=False, default=str)
        message = (
            " ".join(("request", *_pairs(asked))) if asked else self._message(record)
        )
        exception = further.pop("exception", "")
        parts = [time, record.levelname, record.name, message, *_pairs(further)]
        if exception:
            parts.append(exception)
        return " ".join(parts).replace("\n", " ")

    def _asked(self, record: logging.LogRecord) -> dict[str, object]:
        """Return what is told of the request that the record is about, if of one."""
        request = getattr(record, "request", None)
        if not isinstance(request, HttpRequest):
            return {}
        match = request.resolver_match
        return {
            "method": method_of(request),
            "route": f"/{match.route}" if match else "(no page)",
            "status": getattr(record, "status_code", "-"),
        }

    def _request_id(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            # Django writes of a request when its middleware is through with it.
            return str(request.META.get(REQUEST_ID, ""))
        return current_request_id.get()

    def _message(self, record: logging.LogRecord) -> str:
        return record.getMessage()

    def formatException(self, ei: _ExcInfo) -> str:
        links = []
        exc = ei[1]
        while exc is not None:
            frames = traceback.extract_tb(exc.__traceback__)
            places = ">".join(f"{f.filename}:{f.lineno}:{f.name}" for f in frames)
            kind = f"{type(exc).__module__}.{type(exc).__qualname__}"
            links.append(f"exception={kind} at={places or '-'}")
            exc = exc.__cause__ or (
                None if exc.__suppress_context__ else exc.__context__
            )
        return " caused_by ".join(links)


class PlaceFormatter(LineFormatter):
    """One line a record without its message: the place that wrote it, and the exception
    that was being handled there. For who puts what clients sent into messages."""

    def format(self, record: logging.LogRecord) -> str:
        if not record.exc_info:
            record = copy.copy(record)
            record.exc_info = sys.exc_info()
        return super().format(record)

    def _asked(self, record: logging.LogRecord) -> dict[str, object]:
        return {}

    def _message(self, record: logging.LogRecord) -> str:
        return f"by={record.pathname}:{record.lineno}:{record.funcName}"


def _pairs(values: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]


_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)


class NothingIsReported(SafeExceptionReporterFilter):
    """For Django's own error reports, should anything ever switch them on."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_safe_settings(self) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_safe_cookies(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: Any
    ) -> ItemsView[str, Any]:
        nothing: dict[str, Any] = {}
        return nothing.items()
