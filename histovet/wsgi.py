"""The site as gunicorn loads it."""

import logging
import os
import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "histovet.settings")

# gunicorn's own WORKER_BOOT_ERROR: with it no worker is started in the place of one
# that refuses, and the server stops.
_REFUSED = 3

logger = logging.getLogger("histovet.start")


def _set_up() -> None:
    """Stop here, before anyone is answered, with one line for each thing that is wrong:
    only manage.py runs system checks by itself."""
    try:
        django.setup()
    except ImproperlyConfigured as exc:
        # It names the variable and what to do. The settings say how a line of the log
        # looks, so there is none yet.
        sys.stderr.write(f"error: {exc}\n")
        sys.exit(_REFUSED)
    is_refused = False
    for problem in run_checks(tags=["histovet"], include_deployment_checks=True):
        if problem.is_silenced():
            continue
        logger.log(problem.level, "%s %s %s", problem.id, problem.msg, problem.hint)
        is_refused = is_refused or problem.is_serious(ERROR)
    if is_refused:
        sys.exit(_REFUSED)


_set_up()
application = get_wsgi_application()
# Or the first who asks a process would wait until it has loaded every page.
import_module(settings.ROOT_URLCONF)
