"""The vehicle's technical inspections, from the source that is connected."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time

from histovet.inspections import utac
from histovet.inspections.access import Access, configured
from histovet.inspections.errors import AnswerRefused, UtacError, UtacPaused
from histovet.inspections.inspected import Absence, Inspected, Source
from histovet.inspections.kept import KeptAnswer, Unanswered
from histovet.inspections.plate import utac_plate
from histovet.vault import reading
from histovet.vault.reading import Opened
from pseudonymizer.records import Identity, Inspections, Record

_VIN_LENGTH = 17
# How often one who waits for another's answer looks whether it is there.
_LOOK_SECONDS = 0.05

# Of the four threads of a process; whoever finds no place is told "not available".
MAY_WAIT = 2
_MAY_WAIT = threading.BoundedSemaphore(MAY_WAIT)

_logger = logging.getLogger(__name__)

_NOT_AVAILABLE = Inspected(source=Source.UTAC, absence=Absence.NOT_AVAILABLE)


def inspected(opened: Opened, now: dt.datetime) -> Inspected:
    """Return what is known of the vehicle's inspections, and why nothing is.

    UTAC is asked when it is configured, once a day a vehicle, and needs the whole VIN;
    otherwise the register's own inspections are read, and no third party learns which
    vehicle is looked at. Not inside a transaction. Takes the time-out of UTAC and the
    time of a few statements at most. Raises what `vault.reading` does for a row that
    was changed.
    """
    if _is_exempt(opened.record):
        found = _of_register(opened)
        return found if found.inspections else Inspected(absence=Absence.NOT_SUBJECT)
    access = configured()
    vin = _whole_vin(opened.record)
    if access is None or vin is None:
        return _of_register(opened)
    answer = _of_utac(opened, vin, access, now)
    if answer is None:
        return _NOT_AVAILABLE
    return _shown(answer, Source.UTAC, answer.updated)


def is_source_paused() -> bool:
    """Tell whether this process leaves UTAC alone, since it failed; never of the
    register."""
    access = configured()
    return access is not None and utac.client(access).is_paused


def _is_exempt(record: Record) -> bool:
    return record.subject_to_inspection is False or record.certificate_cancelled is True


def _whole_vin(record: Record) -> str | None:
    """Return the VIN, None for one that the feed masked or that is none."""
    vin = record.vehicle.vin or ""
    is_whole = len(vin) == _VIN_LENGTH and vin.isascii() and vin.isalnum()
    return vin if is_whole else None


def _of_register(opened: Opened) -> Inspected:
    as_of = opened.release.row.inspections_as_of
    if as_of is None:
        return Inspected(absence=Absence.NOT_CONNECTED)
    found = reading.read_inspections(opened.identity, opened.release)
    # Not the row's own date, which is that of its last change: whatever was not yet
    # known on the day of the delivery is missing.
    return _shown(found or Inspections(), Source.REGISTER, as_of)


def _shown(found: Inspections, source: Source, as_of: dt.date | None) -> Inspected:
    absence = None if found.inspections else Absence.NONE_RECORDED
    return Inspected(found.inspections, source, as_of, absence)


def _of_utac(
    opened: Opened, vin: str, access: Access, now: dt.datetime
) -> Inspections | None:
    """Return None when there is no answer now."""
    kept = KeptAnswer(opened.identity, opened.release.row)
    found: Inspections | Unanswered | None = kept.read(now)
    if found in (Unanswered.ABSENT, Unanswered.UNDER_WAY):
        # A source that is slow must not hold every thread of the site.
        if not _MAY_WAIT.acquire(blocking=False):
            return None
        try:
            found = _waited_for(kept, opened.identity, vin, access, now)
        finally:
            _MAY_WAIT.release()
    return found if isinstance(found, Inspections) else None


def _waited_for(
    kept: KeptAnswer, identity: Identity, vin: str, access: Access, now: dt.datetime
) -> Inspections | Unanswered | None:
    until = time.monotonic() + access.timeout_seconds
    if kept.claim(now, access.timeout_seconds):
        return _asked(kept, access, utac_plate(identity), vin, now)
    found = kept.read(now)
    while found is Unanswered.UNDER_WAY and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        found = kept.read(now)
    return found


def _asked(
    kept: KeptAnswer, access: Access, plate: str, vin: str, now: dt.datetime
) -> Inspections | None:
    try:
        client = utac.client(access)
    except OSError:
        _logger.exception("utac cannot be asked: its certificates cannot be used")
        kept.give_up()
        return None
    try:
        found = client.ask(plate, vin, now)
    except UtacPaused:
        kept.give_up()
        return None
    except UtacError as exc:
        kept.remember_failure(now)
        if isinstance(exc, AnswerRefused):
            _logger.warning("utac answer refused reason=%s", exc.reason)
        return None
    kept.keep(found, now)
    return found
