"""Does a code still open its report? For a partner that has had an answer to it."""

from __future__ import annotations

from typing import Annotated, TypedDict

import msgspec
from django.http import HttpRequest
from msgspec import Meta, Struct

from histovet.history.forms import TEXT_MAX
from histovet.partners.demand import CodeDemande, read_json, secret_of


class LinkStatus(Struct, frozen=True):
    """Les champs inconnus sont ignorés."""

    vehicule: CodeDemande
    uuid: Annotated[
        str, Meta(max_length=TEXT_MAX, description="Accepté, sans effet.")
    ] = ""


class LinkIs(TypedDict):
    live: Annotated[
        bool,
        Meta(
            description="Vrai si le code ouvre son rapport en ce moment et que vous avez "
            "déjà eu une réponse avec lui ; faux sinon, sans dire pourquoi."
        ),
    ]


_DECODER = msgspec.json.Decoder(LinkStatus)


def read_link_status(request: HttpRequest) -> bytes:
    """Return the secret of a link, which may open nothing. Raises Refused."""
    return secret_of(read_json(request, _DECODER).vehicule)
