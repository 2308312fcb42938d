"""Count attempts as a worker of the site does; a process of its own runs this.

The arguments are how many, and the moment to begin, so that all begin together.
"""

import sys
import time


def count(attempts: int) -> None:
    from django.test import RequestFactory
    from django_ratelimit.core import get_usage

    request = RequestFactory().get("/")
    for _ in range(attempts):
        usage = get_usage(
            request,
            group="tests.attempts",
            key=lambda *_: "one client",
            rate="100000000/24h",
            increment=True,
        )
        assert usage is not None and usage["count"] > 0


if __name__ == "__main__":
    import django

    django.setup()
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    count(int(sys.argv[1]))
