"""What an operator does with releases: go back to the one before, drop one."""

from __future__ import annotations

from pathlib import Path

from pseudonymizer.envelope import check_release
from pseudonymizer.errors import EnvelopeError, ReleaseRefused
from pseudonymizer.key_ring import KeyRing
from pseudonymizer.load import ReleaseState, Vault
from pseudonymizer.records import Release


def roll_back(vault: Vault, register_keys: Path) -> Release:
    """Make the release before the active one, and return it; the active one stays, so
    that the same command goes forward again.

    Raises ReleaseRefused `no_release`, `no_previous` or `release_changed`, KeyRingError
    when the ring cannot be used or lacks the key version of the previous release.
    """
    with vault.alone():
        ring = KeyRing.read(register_keys, "register")
        states = {state.state: state.release for state in vault.releases()}
        if "active" not in states:
            raise ReleaseRefused("no_release", "no release is active; publish a feed")
        if "previous" not in states:
            raise ReleaseRefused(
                "no_previous", "no release is kept before the active one"
            )
        previous = states["previous"]
        try:
            check_release(ring, previous)
        except EnvelopeError as exc:
            raise ReleaseRefused(
                "release_changed",
                f"the row of release {previous.number} is not as the job wrote it; "
                "the active release stays",
            ) from exc
        vault.roll_back(states["active"], previous)
        return previous


def drop(vault: Vault, number: int) -> tuple[Release, bool]:
    """Drop what a release holds that is not active, and return it, and whether it is
    gone: one that is still being read is dropped by the next ingest.

    Raises ReleaseRefused `no_release` or `release_closed`.
    """
    with vault.alone():
        release = _numbered(vault.releases(), number)
        return release, vault.retire(release)


def _numbered(states: list[ReleaseState], number: int) -> Release:
    for state in states:
        if state.release.number == number:
            return state.release
    raise ReleaseRefused("no_release", f"there is no release {number}")
