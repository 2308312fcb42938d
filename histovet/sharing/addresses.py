"""Where a link stands: /r/<public id>#<code>. The code never leaves the browser with
the address."""

from __future__ import annotations

import base64

from django.http import HttpRequest
from django.urls import reverse

from histovet.sharing import codes
from histovet.sharing.codes import Kind
from pseudonymizer.envelope import link_id


def written(public_id: bytes) -> str:
    """Return the 16 characters that name a link in addresses (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(public_id).decode("ascii")


def stands_at(secret: bytes, public_id: str) -> bool:
    """Tell whether the link of this secret has that address."""
    return written(link_id(secret)) == public_id


def whole_link(request: HttpRequest, secret: bytes) -> str:
    """Return the address that opens the report, on the host that was asked."""
    path = reverse("link", args=[written(link_id(secret))])
    return f"{request.build_absolute_uri(path)}#{codes.encode(secret, Kind.LINK)}"
