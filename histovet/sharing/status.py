"""Does a link still open its report, for who has opened it before?"""

from __future__ import annotations

import datetime as dt

from histovet.sharing.opening import open_link
from histovet.sharing.receipts import ByPartner, has_asked
from pseudonymizer.envelope import link_id


def is_live_for(secret: bytes, partner: ByPartner, now: dt.datetime) -> bool:
    """Tell whether the code opens its report now. False, by the same steps, for a code
    that never was, one that ended or was opened as often as it may be, one whose report
    is withheld, and one that this partner has neither opened nor compared an advert with.

    It counts no opening. A link that is over is ended for good. Raises what
    `opening.open_link` does.
    """
    link = open_link(secret, now, again=True)
    asked = has_asked(link_id(secret), partner)
    return link is not None and link.is_open_to_more and asked
