"""How gunicorn serves the site, or the dashboard of operators with HISTOVET_SERVES:
gunicorn --config python:histovet.gunicorn

The address, and whatever else differs between machines, is given on the command line,
where it wins over what stands here.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from histovet.logs import LineFormatter, PlaceFormatter


class SiteLogger(Logger):
    """gunicorn's own log, without what clients sent; there is no access log.

    INFO is about gunicorn itself: its start, workers and sockets. The messages of all
    other levels may hold a request line, a header or an address.
    """

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        handler = logging.StreamHandler()
        handler.setFormatter(LevelFormatter())
        # gunicorn sets its own handlers on some of its loggers and none on others,
        # which then reach whatever the application has set up.
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
        self.error_log.propagate = True
        everything = logging.getLogger("gunicorn")
        everything.handlers = [handler]
        everything.propagate = False

    def access(self, *args: Any) -> None:
        pass

    # A line names the place that called these, not these.

    def critical(self, msg: str, *args: Any, **kwargs: Any) -> None:
        super().critical(msg, *args, stacklevel=3, **kwargs)

    def error(self, msg: str, *args: Any, **kwargs: Any) -> None:
        super().error(msg, *args, stacklevel=3, **kwargs)

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        super().warning(msg, *args, stacklevel=3, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        super().exception(msg, *args, stacklevel=3, **kwargs)


class LevelFormatter(logging.Formatter):
    """INFO in its own words, all else by its place."""

    def __init__(self) -> None:
        super().__init__()
        # The process that starts the others does not load the settings: after a signal
        # to begin anew its workers read them, and the keys, as they are then.
        debug = os.environ.get("HISTOVET_DEBUG", "").strip() == "1"
        chosen = os.environ.get("HISTOVET_LOG_FORMAT", "").strip()
        as_json = (chosen or ("text" if debug else "json")) == "json"
        self._in_words = LineFormatter(as_json=as_json)
        self._by_place = PlaceFormatter(as_json=as_json)

    def format(self, record: logging.LogRecord) -> str:
        # Why gunicorn stops is told in constants of its own, after the site has said
        # what is wrong.
        is_stop = isinstance(sys.exc_info()[1], HaltServer)
        if is_stop or record.levelno == logging.INFO:
            return self._in_words.format(record)
        return self._by_place.format(record)


wsgi_app = "histovet.wsgi:application"
worker_class = "gthread"
workers = 2
# Fewer than the connections of the pool in histovet/settings.py.
threads = 4

logger_class = SiteLogger
loglevel = "info"
accesslog = None
# It would take orders from whoever reaches it.
control_socket_disable = True

# Whose headers are believed is for HISTOVET_TRUSTED_PROXIES alone to say. By default
# gunicorn believes whoever comes from this machine, and on a unix socket everyone: so
# there is nobody to believe, and nothing to believe either.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# X_Forwarded_For would reach the site as X-Forwarded-For does.
header_map = "drop"
proxy_protocol = "off"


# Where prometheus_client looks for the folder in which all workers of a node count: when
# it is imported, so no module that this one needs at its start may import it.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def on_starting(server: Arbiter) -> None:
    folder = tempfile.mkdtemp(prefix="histovet-metrics-", dir=server.cfg.worker_tmp_dir)
    os.environ[METRICS_FOLDER] = folder


def child_exit(server: Arbiter, worker: Worker) -> None:
    """What it counted stays; what it was just doing ended with it."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Arbiter) -> None:
    shutil.rmtree(os.environ[METRICS_FOLDER], ignore_errors=True)


def post_worker_init(worker: Worker) -> None:
    # Imported where Django is set up.
    from django.conf import settings

    from histovet import metrics
    from histovet.operation.watch import watch

    # The dashboard says itself what it finds, and closes for no maintenance.
    if settings.SERVES_OPERATORS:
        return
    folder = Path(os.environ[METRICS_FOLDER])
    try:
        metrics.read_all_of(folder)
    except OSError as exc:
        sys.stderr.write(
            f"error: there is no room for metrics in {folder.parent} ({exc.strerror}); "
            "make some, or name another folder: gunicorn --worker-tmp-dir\n"
        )
        # As in histovet/wsgi.py: no worker is started in the place of this one.
        sys.exit(Arbiter.WORKER_BOOT_ERROR)
    watch.start()


def worker_exit(server: Arbiter, worker: Worker) -> None:
    # One that could not start has no settings to import either.
    if not worker.booted:
        return
    from django.conf import settings
    from django.utils import timezone

    from histovet.operation.watch import watch

    if not settings.SERVES_OPERATORS:
        watch.write_counts(timezone.now())
