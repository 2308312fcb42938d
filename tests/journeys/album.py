"""Pictures of the pages and states that the checker looks at, for somebody to look at."""

import re
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page

# Set for each test by conftest.py, when --pictures names a folder.
folder: Path | None = None
test = ""
_taken: Counter[str] = Counter()


def add(page: Page, look: str) -> None:
    """Keep DIR/<test>-<state, counted from 1>-<look>.png, the whole page."""
    if folder is None:
        return
    _taken[f"{test} {look}"] += 1
    state = _taken[f"{test} {look}"]
    name = re.sub(r"[^\w.]+", "-", f"{test}-{state:02}-{look}")
    page.screenshot(path=folder / f"{name}.png", full_page=True)
