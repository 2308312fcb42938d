"""A sale, as two browsers ask the site for it: the seller finds the vehicle, reads the
report and gives a link; the buyer opens it and takes the PDF along."""

from __future__ import annotations

import http.client
import http.cookies
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from histovet.history.report import Audience
from tests.bench.registers import Drawn
from tests.proofs.reader import TIMEOUT_SECONDS, shows
from tests.proofs.test_serving import shown, typed

_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
_CODE = re.compile(rb'id="code">([^<]+)<')


class Wrong(Exception):
    """What the site answered is not the next step."""


@dataclass
class Browser:
    """Asks through a proxy, which tells its `address`, and keeps its cookies. `taken`
    are the steps, each with its seconds; the first counts from when it was `due`."""

    port: int
    address: str
    taken: list[tuple[str, float]]
    due: float | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def read(self, step: str, path: str) -> bytes:
        """Return the page. Raises Wrong for another answer."""
        _, content = self._ask(step, "GET", path, None, status=200)
        if token := _TOKEN.search(content):
            self.token = token[1].decode()
        return content

    def send(self, step: str, path: str, fields: Mapping[str, str]) -> str:
        """Return where the answer leads. Raises Wrong when it leads nowhere."""
        body = urlencode({"csrfmiddlewaretoken": self.token, **fields}).encode()
        leads_to, _ = self._ask(step, "POST", path, body, status=303)
        return leads_to

    def _ask(
        self, step: str, method: str, path: str, body: bytes | None, *, status: int
    ) -> tuple[str, bytes]:
        began = time.time() if self.due is None else self.due
        self.due = None
        asked = {"X-Forwarded-For": self.address, "Connection": "close"}
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            asked["Cookie"] = "; ".join(pairs)
        if body is not None:
            asked["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=TIMEOUT_SECONDS
        )
        try:
            connection.request(method, path, body, asked)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            raise Wrong(f"{step}, {type(exc).__name__}") from exc
        finally:
            connection.close()
        self.taken.append((step, time.time() - began))
        if answer.status != status:
            raise Wrong(f"{step}, status {answer.status}")
        for header in answer.headers.get_all("Set-Cookie", ()):
            morsels = http.cookies.SimpleCookie(header).items()
            self.cookies.update((name, morsel.value) for name, morsel in morsels)
        return answer.headers.get("Location", ""), content


def report(seller: Browser, buyer: Browser, one: Drawn) -> None:
    """The seller types the certificate and reads the report."""
    seller.read("form", "/vendeur")
    path = seller.send("form sent", "/vendeur", typed(one))
    _expect_report(seller.read("seller's report", path), one, Audience.HOLDER)


def opened(seller: Browser, buyer: Browser, one: Drawn) -> str:
    """The seller also gives a link, and the buyer opens it and reads; return its path."""
    report(seller, buyer, one)
    seller.read("links", "/liens")
    path = seller.send("link made", "/liens", {"days": "7", "scope": "full"})
    code = _CODE.search(seller.read("link shown", path))
    if code is None:
        raise Wrong("link shown, no code")
    address = f"/r/{path.rpartition('/')[2]}"
    buyer.read("link", address)
    path = buyer.send("link opened", address, {"code": code[1].decode()})
    _expect_report(buyer.read("buyer's report", path), one, Audience.OTHERS)
    return path


def whole(seller: Browser, buyer: Browser, one: Drawn) -> None:
    """The buyer also takes the report along as a signed PDF."""
    path = opened(seller, buyer, one)
    if not buyer.read("PDF", f"{path}/rapport.pdf").startswith(b"%PDF-"):
        raise Wrong("PDF, none")


Way = Callable[[Browser, Browser, Drawn], object]


def _expect_report(page: bytes, one: Drawn, audience: Audience) -> None:
    if not shows(page, *shown(one, audience)):
        raise Wrong("report, another vehicle")
