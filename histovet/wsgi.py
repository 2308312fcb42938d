"""The site as gunicorn loads it."""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "histovet.settings")

application = get_wsgi_application()

# Only manage.py runs system checks by itself. A server started with a setting that
# must not be wrong has to stop here, before it answers anyone.
BaseCommand().check(tags=["histovet"], include_deployment_checks=True)
