"""The site's own reading, without a pause: python -m tests.proofs.kills.asking FILE

FILE holds identities, and what each opens to in each state of the register. What is
found goes to the output, a JSON document a line.
"""

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.db import Error, close_old_connections

# A request of the site every few milliseconds; more would leave the job no processor.
PAUSE_SECONDS = 0.004


def main(path: Path) -> None:
    django.setup()
    from histovet.vault import releases
    from histovet.vault.errors import NoActiveRelease
    from histovet.vault.reading import read
    from pseudonymizer.errors import EnvelopeError
    from pseudonymizer.records import Identity, Register
    from tests.proofs.kills.opened import record_digest

    asked = json.loads(path.read_text())
    identities = [Identity(Register(r), p, c) for r, p, c in asked["identities"]]
    answers, slowest, last, seen = 0, 0.0, time.monotonic(), set()
    told = last
    for place, identity in itertools.cycle(enumerate(identities)):
        began = time.monotonic()
        # As around each request.
        close_old_connections()
        try:
            opened = read(identity)
            # Of a vehicle that is not found: what this process then held.
            row = opened.release.row if opened else releases.active().row
            state = f"{row.label.split()[0]}/{row.edition}"
            found = record_digest(opened.record) if opened else None
            if found != asked["expected"][state][place]:
                tell(wrong=f"probe {place} of {state}", at=began)
            seen.add(f"{row.label}/{row.edition}")
            answers += 1
        except Error as exc:
            tell(error=type(exc).__name__, at=time.monotonic())
        except (NoActiveRelease, EnvelopeError) as exc:
            tell(wrong=type(exc).__name__, at=time.monotonic())
        close_old_connections()
        now = time.monotonic()
        slowest = max(slowest, now - began)
        if now - told > 0.5:
            tell(answers=answers, slowest=slowest, seen=sorted(seen), at=now)
            answers, slowest, told = 0, 0.0, now
            seen.clear()
        time.sleep(PAUSE_SECONDS)


def tell(**found: Any) -> None:
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
