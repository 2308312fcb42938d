"""A client that reads reports at a steady rate and looks at each answer."""

from __future__ import annotations

import html
import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

THREADS = 16
TIMEOUT_SECONDS = 30


class Question(Protocol):
    """One request, and what is wrong with its answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def wrong(self, status: int, content: bytes) -> str | None: ...


@dataclass(frozen=True)
class JsonQuestion:
    """`masked_plate` and `masked_vin` are those of the record that has to come back."""

    headers: Mapping[str, str]
    body: bytes
    masked_plate: str
    masked_vin: str
    method: str = "POST"
    path: str = "/api/v1/report_by_data"

    def wrong(self, status: int, content: bytes) -> str | None:
        if status != 200:
            return f"JSON, status {status}"
        certificate = json.loads(content)["vehicule"]["certificat_immatriculation"]
        plate = certificate["numero_immatriculation_anonymisee"]
        vin = certificate["caracteristiques_techniques"].get("vin_anonymise")
        same = (plate, vin) == (self.masked_plate, self.masked_vin)
        return None if same else "JSON, another vehicle"


@dataclass(frozen=True)
class PageQuestion:
    headers: Mapping[str, str]
    masked_plate: str
    masked_vin: str
    method: str = "GET"
    path: str = "/rapport"
    body: bytes = b""

    def wrong(self, status: int, content: bytes) -> str | None:
        if status != 200:
            return f"page, status {status}"
        same = shows(content, self.masked_plate, self.masked_vin)
        return None if same else "page, another vehicle"


@dataclass(frozen=True)
class OpeningQuestion:
    """A click on a link that lives, in a browser that never opened it."""

    headers: Mapping[str, str]
    body: bytes
    path: str
    method: str = "POST"

    def wrong(self, status: int, content: bytes) -> str | None:
        return None if status == 303 else f"opening, status {status}"


@dataclass(frozen=True)
class Answer:
    """`due` is when it was to be asked, by time.time(); `seconds` count from then, so
    that a site that holds up its clients does not hide it."""

    due: float
    seconds: float
    wrong: str | None


class Steady:
    """Acts `rate` times a second from the beginning of the block on, each time with its
    number and when it is due, by time.time(). At the end of the block what was begun is
    finished."""

    def __init__(
        self, act: Callable[[int, float], None], rate: float, threads: int
    ) -> None:
        self._act = act
        self._rate = rate
        self._turns = itertools.count()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go_on) for _ in range(threads)]

    def __enter__(self) -> Self:
        self._began = time.time()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self) -> None:
        while True:
            turn = next(self._turns)
            due = self._began + turn / self._rate
            if self._over.wait(max(due - time.time(), 0)):
                return
            self._act(turn, due)


class Reader:
    """Asks from the beginning of the block to its end, each second `rate` questions."""

    def __init__(self, port: int, questions: Sequence[Question], rate: int) -> None:
        self._port = port
        self._questions = questions
        self._steady = Steady(self._ask, rate, THREADS)
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        self._steady.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._steady.__exit__(*exc)

    def _ask(self, turn: int, due: float) -> None:
        wrong = ask(self._port, self._questions[turn % len(self._questions)])
        self.answers.append(Answer(due, time.time() - due, wrong))


def ask(port: int, question: Question) -> str | None:
    """Return what is wrong with the answer, None when nothing is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(
            question.method,
            question.path,
            question.body or None,
            {**question.headers, "Connection": "close"},
        )
        answer = connection.getresponse()
        return question.wrong(answer.status, answer.read())
    except (OSError, http.client.HTTPException) as exc:
        return type(exc).__name__
    finally:
        connection.close()


def shows(page: bytes, masked_plate: str, masked_vin: str) -> bool:
    """Tell whether a page of a report is about that vehicle."""
    shown = html.unescape(page.decode()).replace("•", "*")
    return masked_plate in shown and masked_vin in shown


def told(answers: Sequence[Answer], begins: float, ends: float) -> dict[str, Any]:
    """Return the figures of what was due between two moments."""
    within = [answer for answer in answers if begins <= answer.due < ends]
    milliseconds = sorted(answer.seconds * 1000 for answer in within)
    return {
        "seconds": round(ends - begins, 1),
        "answers": len(within),
        "p50 ms": at_share(milliseconds, 0.50),
        "p99 ms": at_share(milliseconds, 0.99),
        "largest ms": at_share(milliseconds, 1.0),
        "wrong": dict(Counter(_wrong(within))),
    }


def _wrong(answers: Sequence[Answer]) -> Iterator[str]:
    return (answer.wrong for answer in answers if answer.wrong is not None)


def at_share(values: Sequence[float], share: float) -> float | None:
    """Return the percentile of sorted values, None of none."""
    if not values:
        return None
    return round(values[min(int(len(values) * share), len(values) - 1)], 1)
