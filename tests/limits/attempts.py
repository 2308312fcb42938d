"""Count attempts as a worker of the site does; a process of its own runs this.

The arguments are how many, and the moment to begin, so that all begin together.
"""

import sys
import time


def count(attempts: int) -> None:
    from histovet.limits.counting import count as count_one

    for _ in range(attempts):
        assert count_one("one client", 24 * 3600) > 0


if __name__ == "__main__":
    import django

    django.setup()
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    count(int(sys.argv[1]))
