"""Releases on a developer's machine: the synthetic one, and folders of extracts."""

import re
import shutil
from pathlib import Path

from histovet.local.errors import CommandFailed, LocalError
from histovet.local.locks import exclusive
from histovet.local.terminal import say
from histovet.local.workplace import Workplace
from pseudonymizer.manifest import MANIFEST_NAME
from pseudonymizer.synthetic import label as label_of_synthetic

VEHICLES = 20_000
SEED = 2009
_LABEL = label_of_synthetic(vehicles=VEHICLES, seed=SEED)


def migrate(workplace: Workplace) -> None:
    """Bring the database's schema up to date."""
    with exclusive(workplace.state.lock("migrate"), workplace.family.pause):
        workplace.python("migrate", "manage.py", "migrate", "--verbosity", "0")


def ensure_release(workplace: Workplace) -> None:
    """Publish the synthetic register, unless another release or this one is active."""
    if _is_served(active_release(workplace)):
        return
    with exclusive(
        workplace.state.lock("publish"), workplace.family.pause, _say_waiting
    ):
        # Asked again: a release published meanwhile must not be replaced.
        if not _is_served(active_release(workplace)):
            _make_synthetic_feed(workplace)
            say("Publishing it")
            _ingest(workplace, workplace.state.feed)


def active_release(workplace: Workplace) -> str | None:
    """Return what the job says of the active release, None when none is active.

    Raises CommandFailed when the database cannot tell.
    """
    status, printed = workplace.capture_python(
        "-m", "pseudonymizer", "releases", "--active"
    )
    if status == 0:
        return printed
    # A crash has this status too, and prints nothing here.
    if status == 1 and printed:
        return None
    raise CommandFailed("pseudonymizer releases", status)


def is_synthetic(release: str) -> bool:
    """Tell whether `active_release` spoke of the register that make run publishes."""
    return _LABEL in release


def _is_served(release: str | None) -> bool:
    """Tell whether there is a release to be kept: an older edition is replaced."""
    return release is not None and (
        is_synthetic(release) or "synthetic " not in release
    )


def publish(workplace: Workplace, feed: Path, label: str, as_of: str) -> None:
    """Publish a folder of extracts, which is only read.

    Label and date go into a manifest kept beside the feed's own files, unless the
    feed brings one; they are then not used.
    """
    with exclusive(
        workplace.state.lock("publish"), workplace.family.pause, _say_waiting
    ):
        if (feed / "manifest.json").exists():
            say(f"Using the manifest that {feed} brings, with its label and date")
            _ingest(workplace, feed)
            return
        if not label or not as_of:
            raise LocalError(
                f"{feed} brings no manifest.json; name the release and the day its "
                "data stand for: make ingest FEED=DIR LABEL=L AS_OF=YYYY-MM-DD"
            )
        manifest = workplace.state.manifests / f"{_file_name(label)}.json"
        manifest.parent.mkdir(exist_ok=True)
        workplace.python(
            "pseudonymizer manifest",
            *("-m", "pseudonymizer", "manifest", str(feed)),
            *("--label", label, "--as-of", as_of, "--out", str(manifest)),
        )
        _ingest(workplace, feed, "--manifest", str(manifest))


def _make_synthetic_feed(workplace: Workplace) -> None:
    feed = workplace.state.feed
    manifest = feed / MANIFEST_NAME
    if manifest.exists() and _LABEL in manifest.read_text(encoding="utf-8"):
        return
    shutil.rmtree(feed, ignore_errors=True)
    # Renamed when whole, so that a kill leaves no part of a feed.
    fresh = feed.with_name(feed.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    say(f"Making a synthetic register of {VEHICLES:,} vehicles")
    workplace.python(
        "pseudonymizer synthesise",
        *("-m", "pseudonymizer", "synthesise", str(fresh)),
        *("--vehicles", str(VEHICLES), "--seed", str(SEED)),
    )
    fresh.rename(feed)


def _ingest(workplace: Workplace, feed: Path, *options: str) -> None:
    workplace.python(
        "pseudonymizer ingest",
        *("-m", "pseudonymizer", "ingest", str(feed), *options),
    )


def _file_name(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip(".-") or "manifest"


def _say_waiting() -> None:
    say("Waiting for another command to publish its release")
