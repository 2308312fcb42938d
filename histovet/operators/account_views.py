"""Signing in and out, and what operators do with their own account."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from histovet.audit import trail
from histovet.operators import accounts, attempts, sessions
from histovet.operators.access import OperatorRequest, open_to_all, signed_out
from histovet.operators.confirming import act, wait, wrong_code
from histovet.operators.forms import (
    ActForm,
    EnrolForm,
    EnrolmentCodeForm,
    PasswordForm,
    SignInForm,
)
from histovet.operators.models import Account, RecoveryCode
from histovet.operators.second_factor import Factor, give_recovery_codes
from histovet.operators.signing_in import Refused, TooMany
from histovet.operators.signing_in import sign_in as check_factors
from histovet.qr import svg

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@open_to_all
@get_or_post
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_valid():
        now = timezone.now()
        typed = form.cleaned_data
        try:
            account = check_factors(
                request, typed["name"], typed["password"], typed["code"], now
            )
        except TooMany as exc:
            form.add_error(None, wait(exc.seconds))
            status = 429
        except Refused:
            form.add_error(
                None,
                _(
                    "Le nom, le mot de passe ou le code n’est pas le bon, ou le code a déjà "
                    "servi. Attendez le code suivant et retapez les trois."
                ),
            )
            status = 403
        else:
            rotate_token(request)
            answer = redirect("home")
            sessions.begin(account, answer, now)
            return answer
    return render(request, "operators/sign_in.html", {"form": form}, status=status)


@require_POST
def sign_out(request: OperatorRequest) -> HttpResponse:
    with transaction.atomic():
        sessions.end(request.session_row)
        trail.add(
            request.actor, "operator.sign_out", request.account.name, now=request.now
        )
    return signed_out(request, redirect("sign_in"))


@open_to_all
@get_or_post
def enrol(request: HttpRequest) -> HttpResponse:
    """Two steps: the code that was given, then a password and the second factor."""
    if request.method != "POST":
        return render(request, "operators/enrol.html", {"form": EnrolmentCodeForm()})
    asked = EnrolmentCodeForm(request.POST)
    if not asked.is_valid():
        return render(request, "operators/enrol.html", {"form": asked})
    now, name = timezone.now(), accounts.folded(asked.cleaned_data["name"])
    tags = attempts.count(request, name, now)
    if tags is None:
        asked.add_error(None, wait(attempts.seconds_left(now)))
        return render(request, "operators/enrol.html", {"form": asked}, status=429)
    account = accounts.to_enrol(name, asked.cleaned_data["enrolment"], now)
    if account is None:
        asked.add_error(
            None,
            _(
                "Ce nom ou ce code n’est pas le bon, ou le code a plus de 24 heures. "
                "Demandez-en un autre à qui vous l’a donné."
            ),
        )
        return render(request, "operators/enrol.html", {"form": asked}, status=403)
    attempts.forgive(tags, now)
    status = 200
    form = EnrolForm(request.POST if "new" in request.POST else None, for_name=name)
    if form.is_valid():
        codes = accounts.enrol(
            account, form.cleaned_data["new"], form.cleaned_data["code"], now
        )
        if codes is not None:
            return render(
                request,
                "operators/recovery_codes.html",
                {"codes": codes, "is_new": True},
            )
        attempts.count(request, name, now)
        form.add_error("code", wrong_code())
        status = 403
    factor = Factor.of(account)
    context = {
        "form": form,
        "name": name,
        "enrolment": asked.cleaned_data["enrolment"],
        "qr": svg(factor.address(name), _("QR code du second facteur")),
        "secret": factor.typed(),
    }
    return render(request, "operators/enrol_factor.html", context, status=status)


@require_GET
def account(request: OperatorRequest) -> HttpResponse:
    left = RecoveryCode.objects.filter(account=request.account, used_at=None).count()
    return render(request, "operators/account.html", {"codes_left": left})


@get_or_post
def password(request: OperatorRequest) -> HttpResponse:
    def check(form: PasswordForm) -> None:
        # Counted before it is looked at: with the budget used up, a right one and a wrong
        # one are answered alike, and whoever has a session alone cannot go on guessing.
        now, name = request.now, request.account.name
        tags = attempts.count(request, name, now)
        if tags is None:
            form.add_error("old", wait(attempts.seconds_left(now)))
            return
        old = accounts.normalised(form.cleaned_data["old"])
        if check_password(old, request.account.password):
            attempts.forgive(tags, now)
            return
        trail.add(request.actor, "operator.password", name, result="refused", now=now)
        form.add_error("old", _("Ce n’est pas votre mot de passe : retapez-le."))

    def do(form: PasswordForm) -> HttpResponse:
        accounts.change_password(request.account, form.cleaned_data["new"], request.now)
        return signed_out(request, redirect("sign_in"))

    return act(
        request,
        "operators/password.html",
        PasswordForm,
        do,
        check=check,
        for_name=request.account.name,
    )


@get_or_post
def recovery(request: OperatorRequest) -> HttpResponse:
    def do(form: ActForm) -> HttpResponse:
        with transaction.atomic():
            # Locked, so that of two requests one gives codes that last.
            locked = Account.objects.select_for_update().get(pk=request.account.pk)
            codes = give_recovery_codes(locked, Factor.of(locked))
            trail.add(request.actor, "operator.recovery", locked.name, now=request.now)
        return render(request, "operators/recovery_codes.html", {"codes": codes})

    return act(request, "operators/recovery.html", ActForm, do)
