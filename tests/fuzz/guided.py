"""One target under atheris, guided by coverage: python -m tests.fuzz.guided TARGET
OUTCOMES [option of libFuzzer…] CORPUS.

A process of its own, since libFuzzer takes it over and ends it. OUTCOMES is a file for
how many inputs had each outcome.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import atheris

# Before anything else reads them: what is imported here is instrumented.
with atheris.instrument_imports(
    include=["pseudonymizer", "histovet.sharing.codes", "tests.fuzz.targets"]
):
    from tests.fuzz import targets

# libFuzzer ends the process without a word to Python: what is known by then stays.
TOLD_EACH_SECONDS = 0.5
TOLD_EACH_INPUTS = 5_000


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    outcomes: Counter[str] = Counter()
    inputs, told = 0, 0.0

    def one_input(data: bytes) -> None:
        nonlocal inputs, told
        outcomes[targets.outcome(name, data)] += 1
        inputs += 1
        now = time.monotonic()
        if now > told + TOLD_EACH_SECONDS or inputs % TOLD_EACH_INPUTS == 0:
            path.write_text(json.dumps(outcomes))
            told = now

    atheris.Setup([sys.argv[0], *sys.argv[3:]], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
