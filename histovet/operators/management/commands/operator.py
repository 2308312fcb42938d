"""Make, list, suspend, resume and reset the accounts of operators."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from histovet.audit.trail import Actor
from histovet.commands import SiteCommand
from histovet.operators import accounts
from histovet.operators.models import Account


class Command(SiteCommand):
    help = (
        "Make the account of an operator, list, suspend, resume or reset them. An "
        "account that is made or reset prints, as its last line and once, the code with "
        "which the operator chooses a password and a second factor within 24 hours. The "
        "owner of the tables runs it: the dashboard makes no account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = ("add", "list", "suspend", "resume", "reset")
        parser.add_argument("what", choices=acts)
        parser.add_argument("name", nargs="?", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        what, name = options["what"], options["name"]
        if bool(name) == (what == "list"):
            raise CommandError(
                "list takes no name" if name else f"give a name: operator {what} NAME"
            )
        now, actor = timezone.now(), Actor.of_this_command()
        if what == "list":
            for account in Account.objects.order_by("name"):
                seen = account.signed_in_at
                self.stdout.write(
                    f"{account.name}  {account.state(now)}  signed in "
                    + (f"{seen:%Y-%m-%d %H:%M} UTC" if seen else "never")
                )
        elif what == "add":
            try:
                account, code = accounts.make(actor, name, now)
            except accounts.NameRefused as exc:
                raise CommandError(str(exc)) from exc
            self._show(account, code)
        elif what == "reset":
            account = _account(name)
            self._show(account, accounts.reset(actor, account, now))
        elif what == "suspend":
            accounts.suspend(actor, _account(name), now)
            self.stdout.write("suspended; its sessions have ended")
        else:
            accounts.resume(actor, _account(name), now)
            self.stdout.write("resumed")

    def _show(self, account: Account, code: str) -> None:
        self.stdout.write(
            f"{account.name}: the code for /activation on the dashboard, once and "
            f"until {account.enrolment_until:%Y-%m-%d %H:%M} UTC:"
        )
        self.stdout.write(code)


def _account(name: str) -> Account:
    try:
        return Account.objects.get(name=accounts.folded(name))
    except Account.DoesNotExist as exc:
        raise CommandError(
            "there is no account of this name; see: python manage.py operator list"
        ) from exc
