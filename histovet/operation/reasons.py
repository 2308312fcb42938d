import enum


class Reason(enum.StrEnum):
    """Why the site is not ready; docs/operations.md has an answer to each."""

    STARTING = "starting"
    DATABASE_UNREACHABLE = "database_unreachable"
    # A table is missing, or closed to the site's role.
    DATABASE_OF_ANOTHER_VERSION = "database_of_another_version"
    KEY_RING_UNREADABLE = "key_ring_unreadable"
    # This machine's and the database's differ.
    CLOCK_WRONG = "clock_wrong"
    NO_ACTIVE_RELEASE = "no_active_release"
    RELEASE_UNREADABLE = "release_unreadable"
    RELEASE_TOO_OLD = "release_too_old"
    MAINTENANCE = "maintenance"
