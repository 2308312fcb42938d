"""The dashboard of operators on a developer's machine, and an operator to try it as."""

import base64
import json
import os
import secrets
import sys
import time
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from histovet.local.errors import CommandFailed, LocalError
from histovet.local.state import State
from histovet.local.workplace import Workplace

NAME = "exploitant"


@dataclass(frozen=True)
class LocalOperator:
    """`secret` is what a telephone is given, in base32."""

    name: str
    password: str
    secret: str

    def code(self, moment: float) -> str:
        """Return the six digits of that moment, in seconds since 1970."""
        # RFC 6238, as every application for telephones has it.
        totp = TOTP(base64.b32decode(self.secret), 6, SHA1(), 30)  # nosec B303
        return totp.generate(int(moment)).decode()


def environment(workplace: Workplace) -> dict[str, str]:
    """Return that of the dashboard, which has a part of one key ring and nothing of the
    other."""
    part = workplace.state.temporary / "operators.json"
    workplace.python(
        "manage.py operators_keys", *("manage.py", "operators_keys"), str(part)
    )
    kept = {
        name: value
        for name, value in workplace.environment.items()
        if name not in ("HISTOVET_REGISTER_KEYS", "HISTOVET_SITE_KEYS")
    }
    return {
        **kept,
        "HISTOVET_SERVES": "operators",
        "HISTOVET_OPERATORS_KEYS": str(part),
    }


def lasting_operator(workplace: Workplace) -> LocalOperator:
    """Return the operator kept in the state folder, made anew when the database does
    not know them. Raises CommandFailed."""
    kept = workplace.state.operator
    if kept.exists() and _is_live(workplace):
        return kept_operator(workplace.state)
    status, printed = workplace.capture_python("-m", "histovet.local.dashboard")
    if status != 0:
        raise CommandFailed("histovet.local.dashboard", status)
    made = printed.strip().splitlines()[-1]
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        file.write(made)
    return LocalOperator(**json.loads(made))


def kept_operator(state: State) -> LocalOperator:
    """Raises LocalError when there is none."""
    try:
        return LocalOperator(**json.loads(state.operator.read_text()))
    except OSError as exc:
        raise LocalError("there is no operator yet; first run: make run") from exc


def _is_live(workplace: Workplace) -> bool:
    status, printed = workplace.capture_python("manage.py", "operator", "list")
    if status != 0:
        raise CommandFailed("manage.py operator list", status)
    return any(line.startswith(f"{NAME}  live") for line in printed.splitlines())


def main() -> int:
    """Make the account, or make it anew, and finish it as an operator would."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "histovet.settings")
    import django

    django.setup()
    # What is part of Django's registry can be imported only now.
    from django.utils import timezone

    from histovet.audit.trail import Actor
    from histovet.operators import accounts
    from histovet.operators.models import Account
    from histovet.operators.second_factor import Factor

    now, actor = timezone.now(), Actor.of_this_command()
    account = Account.objects.filter(name=NAME).first()
    if account is None:
        account, _ = accounts.make(actor, NAME, now)
    else:
        accounts.reset(actor, account, now)
    operator = LocalOperator(
        NAME,
        secrets.token_urlsafe(12),
        base64.b32encode(Factor.of(account).secret).decode(),
    )
    # The code before: the one of now is left for who signs in.
    code = operator.code(time.time() - 30)
    if accounts.enrol(account, operator.password, code, now) is None:
        return 1
    print(json.dumps(asdict(operator)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
