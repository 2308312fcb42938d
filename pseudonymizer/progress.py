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
    """One stage after the other; `total` is in lines or in bytes, 0 when a stage has
    none."""

    def __init__(
        self, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._bar: tqdm | None = None
        self._stage, self._unit = "", "lines"
        self._total = self._done = self._rejects = 0
        self._began = self._said = 0.0

    def begin(self, stage: str, total: int, unit: str = "lines") -> None:
        self.close()
        self._stage, self._total, self._unit = stage, total, unit
        self._done = self._rejects = 0
        self._began = self._said = self._clock()
        if not self._terminal:
            self._write(f"{stage}: begins" + (f", {total:,} {unit}" if total else ""))
        elif total:
            self._bar = tqdm(
                total=total,
                desc=stage,
                unit=f" {unit}",
                unit_scale=unit == "bytes",
                file=self._stream,
                dynamic_ncols=True,
            )
        else:
            self._write(f"{stage}…")

    def advance(self, done: int, rejects: int = 0) -> None:
        self._done += done
        self._rejects += rejects
        if self._bar is not None:
            self._bar.set_postfix_str(self._rejected(), refresh=False)
            self._bar.update(done)
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
        elif self._done and not self._terminal:
            self._write(self._state(self._clock()))
        self._done = 0

    def _state(self, now: float) -> str:
        rate = self._done / max(now - self._began, 1e-6)
        left = max(self._total - self._done, 0) / rate if rate else 0
        told = (
            f"{self._done:,} of {self._total:,} {self._unit}",
            f"{rate:,.0f} {self._unit}/s",
            f"{left:,.0f} s left",
            self._rejected(),
        )
        return f"{self._stage}: {', '.join(filter(None, told))}"

    def _rejected(self) -> str:
        # A count of bytes is no reading of lines, and rejects none.
        return f"{self._rejects:,} rejects" if self._unit == "lines" else ""

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()
