"""What may stand in a log line or an error report: nothing that a visitor sent.

A line is `time level logger message` followed by `key=value` pairs. A request is told
by its method, the pattern it matched and the status; its address stays out, because a
link's stands under /r/ and what somebody types into the address bar is anybody's guess.
"""

import copy
import datetime as dt
import logging
import sys
import traceback
from collections.abc import ItemsView
from types import TracebackType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

_ExcInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)


class LineFormatter(logging.Formatter):
    """One line a record; an exception is its type and places, never its message."""

    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        parts = [
            moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            record.levelname,
            record.name,
            self._message(record),
        ]
        if record.exc_info and record.exc_info[0]:
            parts.append(self.formatException(record.exc_info))
        return " ".join(parts).replace("\n", " ")

    def _message(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request", None)
        if not isinstance(request, HttpRequest):
            return record.getMessage()
        match = request.resolver_match
        route = f"/{match.route}" if match else "(no page)"
        status = getattr(record, "status_code", "-")
        # A method is a word of the client's choice as well.
        method = request.method if request.method in _METHODS else "(other)"
        return f"request method={method} route={route} status={status}"

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

    def _message(self, record: logging.LogRecord) -> str:
        return f"by={record.pathname}:{record.lineno}:{record.funcName}"


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
