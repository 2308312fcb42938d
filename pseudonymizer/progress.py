"""What the operator sees while a job runs: a bar on a terminal, plain lines elsewhere.

All of it goes to the error stream; the result alone goes to the output.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from tqdm import tqdm  # type: ignore[import-untyped]

from pseudonymizer.records import FileReport

LINE_EVERY_SECONDS = 5.0


class Progress:
    """One stage after the other; `total` is in lines, 0 when a stage has none."""

    def __init__(
        self, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._bar: tqdm | None = None
        self._stage = ""
        self._total = self._lines = self._rejects = 0
        self._began = self._said = 0.0

    def begin(self, stage: str, total: int) -> None:
        self.close()
        self._stage, self._total = stage, total
        self._lines = self._rejects = 0
        self._began = self._said = self._clock()
        if not self._terminal:
            self._write(f"{stage}: begins" + (f", {total:,} lines" if total else ""))
        elif total:
            self._bar = tqdm(
                total=total,
                desc=stage,
                unit=" lines",
                file=self._stream,
                dynamic_ncols=True,
            )
        else:
            self._write(f"{stage}…")

    def advance(self, lines: int, rejects: int) -> None:
        self._lines += lines
        self._rejects += rejects
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._rejects:,} rejects", refresh=False)
            self._bar.update(lines)
        elif not self._terminal:
            now = self._clock()
            if now - self._said >= LINE_EVERY_SECONDS:
                self._said = now
                self._write(self._state(now))

    def file_done(self, report: FileReport) -> None:
        rejects = sum(report.rejects.values())
        self.say(f"{report.name}: {report.rows:,} rows, {rejects:,} rejects")

    def say(self, text: str) -> None:
        if self._bar is not None:
            # Above the bar, which would else be torn in two.
            self._bar.write(text, file=self._stream)
        else:
            self._write(text)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        elif self._lines and not self._terminal:
            self._write(self._state(self._clock()))
        self._lines = 0

    def _state(self, now: float) -> str:
        rate = self._lines / max(now - self._began, 1e-6)
        left = max(self._total - self._lines, 0) / rate if rate else 0
        return (
            f"{self._stage}: {self._lines:,} of {self._total:,} lines, "
            f"{rate:,.0f} lines/s, {left:,.0f} s left, {self._rejects:,} rejects"
        )

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()
