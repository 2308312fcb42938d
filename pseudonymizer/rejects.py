"""How many lines of a delivery may be rejects; pure."""

from collections import Counter

from pseudonymizer.config import Config
from pseudonymizer.manifest import Feed


def rejects_max(feed: Feed, config: Config) -> int:
    return int(config.max_reject_share * feed.lines)


def too_many(codes: Counter[str], feed: Feed, config: Config) -> str:
    """Return what is wrong with so many rejects, counted by code; "" within the limit."""
    if codes.total() <= rejects_max(feed, config):
        return ""
    listed = ", ".join(f"{code} {count}" for code, count in codes.most_common())
    # At least: reading ended with the one that was too many.
    return (
        f"at least {codes.total()} of {feed.lines} lines are rejects ({listed}) and "
        f"the limit is {config.max_reject_share:.2%}"
    )
