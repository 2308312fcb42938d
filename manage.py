#!/usr/bin/env python
"""Django's command line for the site."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "histovet.settings")

    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:
        # It names the variable and what to do; where it was raised helps nobody.
        sys.exit(f"error: {exc}")
    except OperationalError:
        # Without its message, which may hold the address and the user.
        sys.exit(
            "error: the database of DATABASE_URL does not let us in, or went away; "
            "check the address, and that its server runs"
        )
