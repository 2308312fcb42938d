"""The running site is asked what its OpenAPI document permits, and what it forbids."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from histovet.local.state import REPOSITORY
from histovet.partners.models import PartnerUse

# Every check of schemathesis, and our own of contract_checks.py.
CHECKS = "all"
FORGOTTEN_EVERY_SECONDS = 0.05

_CASES = re.compile(r"(\d[\d,]*) generated")


@dataclass(frozen=True, slots=True)
class Told:
    """What schemathesis said: all of it, how many cases it made, and whether each check
    held for each of them."""

    text: str
    cases: int
    holds: bool


@contextmanager
def forgiven() -> Iterator[None]:
    """Forget failures as they are counted: after fifty, every answer would be alike."""
    over = threading.Event()

    def forget() -> None:
        try:
            while not over.wait(FORGOTTEN_EVERY_SECONDS):
                PartnerUse.objects.update(failures=0)
        finally:
            connection.close()

    forgetting = threading.Thread(target=forget)
    forgetting.start()
    try:
        yield
    finally:
        over.set()
        forgetting.join()


def ask(
    port: int,
    key: str,
    folder: Path,
    *,
    examples: int,
    seconds: int,
    seed: int,
    paths: str = "",
) -> Told:
    """Make so many cases an operation, of those whose path this expression finds."""
    config = folder / "schemathesis.toml"
    config.write_text(
        f"""
[headers]
Authorization = "Bearer {key}"

[generation]
max-examples = {examples}

# 400 for what a schema cannot say, and contract_checks.py judges each.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 429, 503]
"""
    )
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")),),
            *("--config-file", str(config)),
            *("run", f"http://127.0.0.1:{port}/api/v1/openapi.json"),
            *("--include-path-regex", paths or "/"),
            *("--checks", CHECKS, "--mode", "all", "--no-color"),
            *("--seed", str(seed)),
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "SCHEMATHESIS_HOOKS": "tests.partners.contract_checks",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    text = done.stdout + done.stderr
    found = _CASES.search(text)
    cases = int(found[1].replace(",", "")) if found else 0
    return Told(text, cases, done.returncode == 0)
