"""How often somebody may ask whether this is the car, and be told no.

Wrong answers alone are counted, of an opening and of the whole link. With either used
up nothing is compared any more, so that right and wrong get the same answer.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable

from django.db import transaction

from histovet.sharing.cookies import READER_LIFE_SECONDS
from histovet.sharing.models import CHECKS_PER_LINK, CHECKS_PER_OPENING
from histovet.statements import one_row

# Tries at one link are judged one after the other: whoever sends a thousand at once
# learns as much as from five.
_LOCK = """
    SELECT checks_failed FROM sharing_link
    WHERE public_id = %s AND ended_at IS NULL FOR NO KEY UPDATE
"""
# After the lock, since a statement sees what was committed before it began.
_OF_OPENING = "SELECT failed FROM sharing_check WHERE opening = %s"
_COUNT_OF_LINK = """
    UPDATE sharing_link SET checks_failed = checks_failed + 1
    WHERE public_id = %s RETURNING checks_failed
"""
_COUNT_OF_OPENING = """
    INSERT INTO sharing_check AS counted (opening, failed, expires_at)
    VALUES (%s, 1, %s)
    ON CONFLICT (opening) DO UPDATE SET failed = counted.failed + 1
    RETURNING failed
"""


class Answer(enum.Enum):
    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"
    USED_UP = "used up"


def judge(
    public_id: bytes, opening: bytes, is_right: Callable[[], bool], now: dt.datetime
) -> Answer | None:
    """Return the answer to one try, None for a link that ended meanwhile.

    A no is counted before it is returned; when counting fails there is no answer.
    """
    with transaction.atomic():
        link = one_row(_LOCK, (public_id,))
        if link is None:
            return None
        failed = one_row(_OF_OPENING, (opening,)) or (0,)
        if link[0] >= CHECKS_PER_LINK or failed[0] >= CHECKS_PER_OPENING:
            return Answer.USED_UP
        if is_right():
            return Answer.YES
        one_row(_COUNT_OF_LINK, (public_id,))
        # Until no cookie of this opening lives; not the link's own end, which would
        # tell whose opening it is.
        until = now + dt.timedelta(seconds=READER_LIFE_SECONDS)
        one_row(_COUNT_OF_OPENING, (opening, until))
    return Answer.NO
