"""Mutants of the rules against their tests: python -m tests.mutants [--only MODULE].

Exit status: 1 when fewer than 95 % of a module's mutants are killed, when one that is
listed as equivalent is not, or when tests fail already; 2 for a module that is no target.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from tests.mutants.equivalent import listed
from tests.mutants.targets import TARGETS, Target
from tests.mutants.trials import Outcome, TestsFail, tried
from tests.proofs import figures

KILLED_AT_LEAST = 0.95


def main(arguments: Sequence[str]) -> int:
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("--only", choices=["", *names], default="", metavar="MODULE")
    parser.add_argument(
        "--place", default="", help="the mutants of one function or table alone"
    )
    chosen = parser.parse_args(arguments)
    # The sessions do without pytest-django, which would begin with a database.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "histovet.settings")
    targets = [one for one in TARGETS if chosen.only in ("", one.name)]
    try:
        enough = [_is_enough(target, chosen.place) for target in targets]
    except TestsFail as exc:
        print(f"these tests fail without any mutant: {exc}", file=sys.stderr)
        return 1
    return 0 if all(enough) else 1


def _is_enough(target: Target, place: str) -> bool:
    began = time.monotonic()
    equivalent = listed(target.name)
    killed = survived = alike = 0
    wrongly = []
    for one in tried(target, lambda mutant: not place or mutant.place == place):
        is_listed = one.mutant.name in equivalent
        if one.outcome is Outcome.KILLED:
            killed += 1
            wrongly += [one.mutant.name] if is_listed else []
        elif is_listed:
            alike += 1
        else:
            survived += 1
            line = f"{target.path.name}:{one.mutant.lines.start}"
            print(line, one.mutant.name, flush=True)
    for name in wrongly:
        print(f"listed as equivalent, and killed: {name}")
    share = killed / max(1, killed + survived)
    found = {
        "killed": killed,
        "survived": survived,
        "equivalent": alike,
        "killed_share": round(share, 4),
        "seconds": round(time.monotonic() - began),
    }
    if place:
        print(f"{target.name} {found}")
    else:
        figures.write(f"mutants_{target.name}", found)
    return share >= KILLED_AT_LEAST and not wrongly


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
