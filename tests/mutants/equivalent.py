"""The mutants that change nothing that anybody could notice, each with its reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

LIST = Path(__file__).with_name("equivalent.toml")


def listed(module: str) -> dict[str, str]:
    """Return the reason by the mutant's name."""
    groups = tomllib.loads(LIST.read_text("utf-8")).get(module, [])
    return {name: group["because"] for group in groups for name in group["mutants"]}
