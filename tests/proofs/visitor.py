"""A person in front of the site: a browser's cookies and forms, spoken through nginx."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.deploy.proxy import asked, written

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_TEXT = re.compile(r">([^<>]+)<")
_PARAGRAPH = re.compile(r"<p\b[^>]*>(.+?)</p>", re.DOTALL)


@dataclass(frozen=True)
class Page:
    status: int
    headers: dict[str, str]
    text: str

    def seen(self) -> dict[str, str | int]:
        """What somebody reads of it first."""
        main = self.text.partition("<main")[2]
        title = re.search("<h1[^>]*>(.+?)</h1>", main, re.DOTALL)
        first = _PARAGRAPH.search(main)
        found: dict[str, str | int] = {"status": self.status}
        if title:
            found["title"] = _plain(title[1])
        if first and self.status >= 400:
            found["sentence"] = _plain(first[1])
        if "retry-after" in self.headers:
            found["retry_after"] = self.headers["retry-after"]
        if "location" in self.headers:
            found["then"] = self.headers["location"]
        return found

    def lines_with(self, word: str) -> list[str]:
        """Return the texts of the page, between two tags, that hold the word."""
        texts = (
            " ".join(html.unescape(one).split()) for one in _TEXT.findall(self.text)
        )
        return [text for text in texts if word in text]

    @property
    def calm(self) -> bool:
        """Whether it says what is the matter and what to do, when it is no success."""
        words = self.text.partition("<main")[2]
        advice = ("Réessayez", "revenez", "Revenez", "tapez", "Recommencez")
        return self.status < 400 or any(word in words for word in advice)


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", "", markup)).split())


@dataclass
class Visitor:
    """Raises OSError when nobody answers."""

    send: Callable[[bytes], bytes]
    cookies: dict[str, str] = field(default_factory=dict)
    _token: str = ""

    def get(self, path: str) -> Page:
        return self._ask(asked(path, *self._carried()))

    def post(self, path: str, **fields: str) -> Page:
        """Send the form of the page that was read last."""
        body = urlencode({"csrfmiddlewaretoken": self._token, **fields}).encode()
        headers = (
            "Content-Type: application/x-www-form-urlencoded",
            "Origin: https://histovet.example",
            *self._carried(),
        )
        return self._ask(asked(path, *headers, method="POST", body=body))

    def _carried(self) -> list[str]:
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return [f"Cookie: {pairs}"] if pairs else []

    def _ask(self, request: bytes) -> Page:
        status, headers, body = written(self.send(request))
        for name, value in headers:
            if name == "set-cookie":
                key, _, content = value.partition(";")[0].partition("=")
                self.cookies[key] = content
        text = body.decode(errors="replace")
        if found := _TOKEN.search(text):
            self._token = found[1]
        return Page(status, dict(headers), text)
