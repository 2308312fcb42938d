"""An act: its page asks for the second factor again, and then it is done or refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from histovet.operators.access import OperatorRequest, signed_out
from histovet.operators.forms import ActForm
from histovet.operators.models import Session
from histovet.operators.signing_in import Refused, TooMany, confirm
from histovet.partners.models import KeyChanged, KeyEnded

Form = TypeVar("Form", bound=ActForm)


def wait(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return ngettext(
        "Trop d’essais. Réessayez dans %d minute.",
        "Trop d’essais. Réessayez dans %d minutes.",
        minutes,
    ) % (minutes)


def act(
    request: OperatorRequest,
    template: str,
    form_class: type[Form],
    do: Callable[[Form], HttpResponse],
    *,
    context: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    check: Callable[[Form], None] | None = None,
    **form_options: Any,
) -> HttpResponse:
    """Show the page of an act, or do it; `do` returns what is answered when it is done.

    `check` adds what else is wrong with the form, before the code is used up.
    """
    if request.method != "POST":
        form = form_class(initial=dict(initial or {}), **form_options)
        return render(request, template, {**(context or {}), "form": form})
    form = form_class(request.POST, **form_options)
    if form.is_valid() and check is not None:
        check(form)
    status = 200
    if form.is_valid():
        try:
            confirm(
                request, request.session_row, form.cleaned_data["code"], request.now
            )
            return do(form)
        except TooMany as exc:
            status = 429
            _refuse(form, wait(exc.seconds))
        except Refused:
            if not Session.objects.filter(pk=request.session_row.pk).exists():
                return signed_out(request, redirect("sign_in"))
            status = 403
            _refuse(form, wrong_code())
        except KeyChanged:
            form.add_error(
                None,
                _(
                    "La ligne de cette clé a été modifiée par un autre moyen : elle est "
                    "déjà refusée. Créez-en une autre."
                ),
            )
        except KeyEnded:
            form.add_error(
                None,
                _("Cette clé est déjà suspendue ou terminée. Créez-en une autre."),
            )
    answer = render(request, template, {**(context or {}), "form": form}, status=status)
    return answer


def wrong_code() -> str:
    return _(
        "Ce code n’est pas le bon, ou il a déjà servi. Attendez le suivant : il change "
        "toutes les 30 secondes."
    )


def _refuse(form: forms.Form, why: str) -> None:
    form.add_error("code", why)
