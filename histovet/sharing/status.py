"""Does a link still open its report, for who has opened it before?"""

from __future__ import annotations

import datetime as dt

from histovet.sharing.claims import has_claimed
from histovet.sharing.opening import open_link
from histovet.sharing.receipts import ByPartner, has_opened
from pseudonymizer.envelope import link_id


def is_live_for(secret: bytes, partner: ByPartner, now: dt.datetime) -> bool:
    """Tell whether the code opens its report now. False, by the same steps, for a code
    that never was, one that ended, whatever ended it, one whose report is withheld, and
    one that this partner has neither opened nor compared an advert with.

    It counts no opening. A link that is over is ended for good. Raises what
    `opening.open_link` does.
    """
    link = open_link(secret, now, again=True)
    opened = has_opened(link_id(secret), partner)
    claimed = has_claimed(secret, partner.folded_name)
    return link is not None and not link.is_withheld and (opened or claimed)
