"""Environment → Django settings; the site reads the environment nowhere else.

One program serves two addresses, each in processes of its own: the site, and the
dashboard of operators, which has neither the site's keys nor its pages
(docs/adr/0012-the-dashboard-is-a-process-of-its-own.md).

A variable that is missing or wrong stops the start with its name and what to do.
Rules between settings are the system checks of histovet/checks.py.
"""

import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import psycopg
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from histovet import imprint
from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import KeyRing, PartOfRing, is_private

BASE_DIR = Path(__file__).resolve().parent.parent

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_KEYS_COMMAND = "python -m pseudonymizer keys init"
_PART_COMMAND = "python manage.py operators_keys"


def _required(name: str, what_to_do: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"{name} is not set; {what_to_do}")
    return value


def _flag(name: str) -> bool:
    value = os.environ.get(name, "").strip()
    if value not in ("", "0", "1"):
        raise ImproperlyConfigured(f"{name} is neither 0 nor 1; set one of them")
    return value == "1"


def _listed(name: str) -> list[str]:
    return [
        part.strip() for part in os.environ.get(name, "").split(",") if part.strip()
    ]


def _hosts(name: str) -> list[str]:
    hosts = _listed(name)
    for host in hosts:
        # Host names and addresses, a leading dot for subdomains; "*" is left to a
        # check, which can say more about it.
        if not re.fullmatch(r"\*|\.?[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", host):
            raise ImproperlyConfigured(
                f"{name} holds {host!r}, which is no host name; write names without "
                "scheme, port or path, with commas between them"
            )
    return hosts


def _networks(name: str) -> tuple[tuple[IPNetwork, ...], bool]:
    """Return the networks, and whether the peer on a unix socket is named too."""
    networks = []
    listed = _listed(name)
    for entry in listed:
        if entry == "unix":
            continue
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError as exc:
            raise ImproperlyConfigured(
                f"{name} holds {entry!r}, which is no network; write networks such as "
                "10.0.0.0/24 or the word unix, with commas between them"
            ) from exc
    return tuple(networks), "unix" in listed


def _database(name: str) -> dj_database_url.DBConfig:
    url = _required(
        name,
        "name a PostgreSQL database (postgresql://user@host/name), or run: make run, "
        "which starts one",
    )
    try:
        config = dj_database_url.parse(url, conn_max_age=0)
    except ValueError:
        # Without the cause, which would print the URL and the password in it.
        raise ImproperlyConfigured(
            f"{name} is no database URL; write postgresql://user@host/name"
        ) from None
    if config["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            f"{name} names another database than PostgreSQL; write "
            "postgresql://user@host/name"
        )
    if not config["NAME"]:
        raise ImproperlyConfigured(
            f"{name} names no database; write postgresql://user@host/name"
        )
    try:
        psycopg.conninfo.make_conninfo(**config.get("OPTIONS", {}))
    except psycopg.ProgrammingError:
        raise ImproperlyConfigured(
            f"{name} has an option after its question mark that PostgreSQL does not "
            "know; correct it"
        ) from None
    return config


def _key_ring(name: str, purpose: str) -> tuple[Path, KeyRing]:
    path = Path(_required(name, f"make the key rings with: {_KEYS_COMMAND}"))
    return path, _whole(name, path, purpose)


def _whole(name: str, path: Path, purpose: str) -> KeyRing:
    try:
        ring = KeyRing.read(path, purpose)
    except KeyRingError as exc:
        raise ImproperlyConfigured(f"{name}: {exc}") from exc
    if isinstance(ring, PartOfRing):
        raise ImproperlyConfigured(
            f"{name} names the part of a ring that operators have; name the whole one"
        )
    return ring


def _part_of_ring(name: str, purpose: str) -> tuple[Path, KeyRing]:
    path = Path(_required(name, f"make it with: {_PART_COMMAND}"))
    try:
        ring = KeyRing.read(path, purpose)
    except KeyRingError as exc:
        raise ImproperlyConfigured(f"{name}: {exc}") from exc
    if not isinstance(ring, PartOfRing):
        raise ImproperlyConfigured(
            f"{name} names the whole {purpose} key ring, which the dashboard must not "
            f"have; make the part with: {_PART_COMMAND}"
        )
    return path, ring


def _secret_keys(ring: KeyRing, label: str) -> list[str]:
    """Return Django's, of the active version first."""
    older = [version for version in reversed(ring.versions) if version != ring.active]
    try:
        return [
            ring.derive(label, version=version).hex()
            for version in (ring.active, *older)
        ]
    except KeyRingError as exc:
        raise ImproperlyConfigured(
            f"HISTOVET_OPERATORS_KEYS: {exc}, with: {_PART_COMMAND}"
        ) from exc


# Development only: plain http, cookies without Secure, static files unhashed.
DEVELOPMENT = _flag("HISTOVET_DEBUG")

# Never on, in development neither: Django's debug pages print settings, queries and
# local variables, which here are identities and keys.
DEBUG = False


def _folder(name: str, usual: str) -> Path:
    """Return a folder, which need not be there."""
    path = BASE_DIR / (os.environ.get(name, "").strip() or usual)
    try:
        is_one = path.is_dir() or not path.lstat()
    except FileNotFoundError:
        is_one = True
    except (OSError, ValueError):
        is_one = False
    if not is_one:
        raise ImproperlyConfigured(
            f"{name} names what is no folder, nor can be one; name a folder"
        )
    return path


STATE_DIR = _folder("HISTOVET_STATE", ".state")


def _one_of(name: str, *words: str) -> str:
    """Return the value, the first word when there is none."""
    value = os.environ.get(name, "").strip() or words[0]
    if value not in words:
        raise ImproperlyConfigured(f"{name} is none of {', '.join(words)}")
    return value


SERVES_OPERATORS = _one_of("HISTOVET_SERVES", "site", "operators") == "operators"

REGISTER_KEYS_PATH: Path
if SERVES_OPERATORS:
    # Without the register's ring no record can be opened, whoever holds it.
    SITE_KEYS_PATH, _site_ring = _part_of_ring("HISTOVET_OPERATORS_KEYS", "site")
    SECRET_KEY, *SECRET_KEY_FALLBACKS = _secret_keys(
        _site_ring, "operators django secret key"
    )
else:
    REGISTER_KEYS_PATH, _ = _key_ring("HISTOVET_REGISTER_KEYS", "register")
    SITE_KEYS_PATH, _site_ring = _key_ring("HISTOVET_SITE_KEYS", "site")
    SECRET_KEY, *SECRET_KEY_FALLBACKS = _secret_keys(_site_ring, "django secret key")

_hosts_variable = "HISTOVET_OPERATORS_HOSTS" if SERVES_OPERATORS else "HISTOVET_HOSTS"
ALLOWED_HOSTS = _hosts(_hosts_variable)
if not ALLOWED_HOSTS:
    if not DEVELOPMENT:
        raise ImproperlyConfigured(
            f"{_hosts_variable} is not set; list the host names that are answered to, "
            "or set HISTOVET_DEBUG=1 to develop on this machine"
        )
    ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

# Networks whose X-Forwarded-For is believed, and whether the peer on a unix socket is.
TRUSTED_PROXIES, TRUST_SOCKET_PEER = _networks("HISTOVET_TRUSTED_PROXIES")

# Who may read /metrics: docs/operations.md.
METRICS_NETWORKS, METRICS_SOCKET_PEER = _networks("HISTOVET_METRICS_NETWORKS")

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "csp",
    "histovet.audit",
    "histovet.vault",
    "histovet.inspections",
    "histovet.history",
    "histovet.sharing",
    "histovet.limits",
    "histovet.partners",
    "histovet.pages",
    "histovet.operation",
    "histovet.usage",
    "histovet.operators",
]
if SERVES_OPERATORS:
    for _room in ("history", "sharing", "pages"):
        INSTALLED_APPS.remove(f"histovet.{_room}")

MIDDLEWARE = [
    "histovet.operation.requests.numbered",
    "histovet.operation.requests.probes",
    "histovet.operation.requests.measured",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "histovet.middleware.constant_headers",
    # Below the headers, so that files carry them too.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Above all that may answer a request of a partner with a page.
    "histovet.partners.middleware.api_answers",
    "histovet.middleware.language",
    # Below the language, which its page is in, and above all that asks the database.
    "histovet.operation.requests.maintenance",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

# Every page of the dashboard is for who is signed in, unless it says otherwise.
OPERATORS_MIDDLEWARE = [
    "histovet.operation.requests.numbered",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "histovet.pages.headers.same_origin_resources",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "histovet.operators.access.SignedInAlone",
]
if SERVES_OPERATORS:
    MIDDLEWARE = OPERATORS_MIDDLEWARE

ROOT_URLCONF = "histovet.operators.urls" if SERVES_OPERATORS else "histovet.urls"
WSGI_APPLICATION = "histovet.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "histovet.pages.context.navigation",
            ],
        },
    },
]

DATABASES = {"default": _database("DATABASE_URL")}
# A worker runs fewer threads than the pool has connections; a request that still
# finds none after five seconds fails rather than waiting on. An attempt to connect is
# repeated once, and then when somebody asks: by itself the pool would wait after each
# failure twice as long as before, and so as long again as the database was away.
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": 8,
    "timeout": 5,
    "reconnect_timeout": 0.25,
}
# Values travel apart from the statement, and a statement seen twice is planned no more:
# it costs PostgreSQL half, and no value stands in the text that it may log.
DATABASES["default"]["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 1}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "histovet.limits.cache.CountingCache",
    },
}

# Language and time

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "histovet" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"

# Static files

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = STATE_DIR / "static"
WHITENOISE_USE_FINDERS = DEVELOPMENT
WHITENOISE_AUTOREFRESH = DEVELOPMENT
# Nothing here is for the pages of others.
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEVELOPMENT
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        ),
    },
}

# Limits: docs/guessing.md


def _whole_number(name: str, *, usual: int, least: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return usual
    if not re.fullmatch("[0-9]{1,9}", value) or int(value) < least:
        raise ImproperlyConfigured(
            f"{name} is no number; write a whole number of {least} or more"
        )
    return int(value)


# Of the whole site in five minutes, beyond which everybody is asked for some work.
BRAKE_FAILURES = _whole_number("HISTOVET_BRAKE_FAILURES", usual=600, least=1)

# What a request may bring: two names, a plate and a number, never a file.

DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 60
DATA_UPLOAD_MAX_NUMBER_FILES = 0

# Headers and cookies

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
# All that may ask something of the visitor or the machine, but for writing to the
# clipboard, which copies a link.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "clipboard-read",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "gamepad",
        "geolocation",
        "gyroscope",
        "hid",
        "identity-credentials-get",
        "idle-detection",
        "local-fonts",
        "magnetometer",
        "microphone",
        "midi",
        "otp-credentials",
        "payment",
        "picture-in-picture",
        "publickey-credentials-create",
        "publickey-credentials-get",
        "screen-wake-lock",
        "serial",
        "storage-access",
        "usb",
        "window-management",
        "xr-spatial-tracking",
    )
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Not no-referrer: browsers would then send "Origin: null" with our own forms, and
# Django refuses those.
SECURE_REFERRER_POLICY = "same-origin"

SECURE_SSL_REDIRECT = not DEVELOPMENT
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 2 * 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEVELOPMENT
SECURE_HSTS_PRELOAD = not DEVELOPMENT
# Who names its proxies says that nobody else reaches the site, and that they set this
# header on every request. Without a proxy nobody's header is believed.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https")
    if TRUSTED_PROXIES or TRUST_SOCKET_PEER
    else None
)

# The prefix makes browsers refuse the cookie over plain http, where development runs, and
# where both addresses are one host to them: each has a name of its own.
CSRF_COOKIE_NAME = "operators-csrf" if SERVES_OPERATORS else "csrf"
if not DEVELOPMENT:
    CSRF_COOKIE_NAME = f"__Host-{CSRF_COOKIE_NAME}"
CSRF_COOKIE_SECURE = not DEVELOPMENT
CSRF_COOKIE_HTTPONLY = True
# Not Strict: who arrives from a message would get a new secret, and the forms already
# open in other tabs would be refused.
CSRF_COOKIE_SAMESITE = "Strict" if SERVES_OPERATORS else "Lax"
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = (
    "histovet.operators.errors.form_refused"
    if SERVES_OPERATORS
    else "histovet.pages.errors.form_refused"
)

# Of operators. Memory-hard, and of Python alone; docs/operators.md.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]

# Logs and error reports: histovet/logs.py says what may stand in them.

DEFAULT_EXCEPTION_REPORTER_FILTER = "histovet.logs.NothingIsReported"


def _log_as_json(name: str) -> bool:
    value = os.environ.get(name, "").strip()
    if value not in ("", "json", "text"):
        raise ImproperlyConfigured(
            f"{name} is neither json nor text; write one of them"
        )
    return value == "json" or (value == "" and not DEVELOPMENT)


LOG_AS_JSON = _log_as_json("HISTOVET_LOG_FORMAT")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "histovet.logs.LineFormatter", "as_json": LOG_AS_JSON}
    },
    "filters": {
        "unlogged": {"()": "histovet.logs.OfNoProbe"},
        "once a minute": {"()": "histovet.logs.OnceAMinute"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        # For the alarms; it writes nothing.
        "counted": {"class": "histovet.metrics.LineCounter", "level": "WARNING"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr", "counted"], "level": "INFO"},
    "loggers": {
        # Naming it takes Django's mail handler off it.
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"filters": ["unlogged"]},
        # Why the database cannot be reached, each time that it is tried.
        "psycopg.pool": {"level": "WARNING", "filters": ["once a minute"]},
        # The development server's own lines hold the path that was asked for.
        "django.server": {"handlers": ["nowhere"], "propagate": False},
    },
}

# When the site says of itself that it is not ready: docs/operations.md


def _days(name: str, *, usual: int, most: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return usual
    if not re.fullmatch(r"[0-9]{1,4}", value) or not 1 <= int(value) <= most:
        raise ImproperlyConfigured(
            f"{name} is no number of days; write one from 1 to {most}"
        )
    return int(value)


# Of the day that its data stand for. A delta a day, a long week-end, and a day to see it.
RELEASE_MAX_AGE_DAYS = _days("HISTOVET_RELEASE_MAX_AGE_DAYS", usual=5, most=3660)

# Technical inspections asked of UTAC: docs/inspections.md


def _address(name: str) -> str:
    value = os.environ.get(name, "").strip().rstrip("/")
    try:
        parts = urlsplit(value)
        is_one = bool(
            re.fullmatch("https?://[^@?#]+", value)
            and value.isascii()
            and value.isprintable()
            and " " not in value
            and parts.hostname
            # Refuses names that no resolver can be asked for.
            and parts.hostname.encode("idna")
            and parts.port != 0
        )
    except ValueError:
        is_one = False
    # The value is not printed: what is refused may be a password in it.
    if value and not is_one:
        raise ImproperlyConfigured(
            f"{name} is no address; write https://host or https://host/path, without "
            "a name, a password or a question mark in it"
        )
    return value


def _content(name: str, *, is_secret: bool) -> tuple[Path | None, bytes]:
    value = os.environ.get(name, "").strip()
    if not value:
        return None, b""
    try:
        with open(value, "rb") as file:
            status, content = os.fstat(file.fileno()), file.read()
    except OSError as exc:
        raise ImproperlyConfigured(
            f"{name} names a file that cannot be read ({exc.strerror}); name one that "
            "the site may read"
        ) from exc
    if is_secret and not is_private(status):
        raise ImproperlyConfigured(
            f"{name} names a file that others may read; give it mode 0600"
        )
    return Path(value), content


def _pem(name: str, *, is_secret: bool = False) -> Path | None:
    path, content = _content(name, is_secret=is_secret)
    if path is not None and b"-----BEGIN " not in content:
        raise ImproperlyConfigured(f"{name} names a file that is not PEM; convert it")
    return path


def _secret(name: str) -> str:
    """Return the one line of the file, empty when none is named."""
    path, content = _content(name, is_secret=True)
    text = content.decode(errors="replace").strip()
    # It travels in a header, which ends where a line does.
    if path is not None and not (text and text.isprintable() and "\ufffd" not in text):
        raise ImproperlyConfigured(
            f"{name} names a file without one line of text; write the secret in it"
        )
    return text


def _seconds(name: str, *, usual: float, least: float, most: float) -> float:
    value = os.environ.get(name, "").strip()
    if not value:
        return usual
    is_number = re.fullmatch(r"[0-9]+(\.[0-9]+)?", value)
    if not is_number or not least <= float(value) <= most:
        raise ImproperlyConfigured(
            f"{name} is no time; write seconds from {least:g} to {most:g}, with a point"
        )
    return float(value)


UTAC_URL = _address("HISTOVET_UTAC_URL")
UTAC_USER = os.environ.get("HISTOVET_UTAC_USER", "").strip()
# Source: RFC 7617, section 2.
if ":" in UTAC_USER or not UTAC_USER.isprintable():
    raise ImproperlyConfigured(
        "HISTOVET_UTAC_USER holds a colon or an invisible character; correct it"
    )
UTAC_PASSWORD = _secret("HISTOVET_UTAC_PASSWORD_FILE")
UTAC_TOKEN = _secret("HISTOVET_UTAC_TOKEN_FILE")
if not UTAC_TOKEN.isascii():
    raise ImproperlyConfigured(
        "HISTOVET_UTAC_TOKEN_FILE names a file with letters that no header may hold"
    )
UTAC_CERTIFICATE = _pem("HISTOVET_UTAC_CERTIFICATE")
UTAC_PRIVATE_KEY = _pem("HISTOVET_UTAC_PRIVATE_KEY", is_secret=True)
UTAC_CA = _pem("HISTOVET_UTAC_CA")
UTAC_TIMEOUT_SECONDS = _seconds(
    "HISTOVET_UTAC_TIMEOUT", usual=2.0, least=0.1, most=10.0
)

# Documents that are signed: docs/documents.md


def _signing(key_name: str, certificate_name: str) -> tuple[Path, Path] | None:
    """Return both files; whether they can sign is for a check to say."""
    key, certificate = (
        os.environ.get(name, "").strip() for name in (key_name, certificate_name)
    )
    if bool(key) != bool(certificate):
        there, missing = (
            (key_name, certificate_name) if key else (certificate_name, key_name)
        )
        raise ImproperlyConfigured(
            f"{there} is set and {missing} is not set; name both files, or neither: "
            "then no document is offered"
        )
    return (Path(key), Path(certificate)) if key else None


# None: the site offers no documents.
SIGNING_FILES = _signing("HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE")

# Who runs the site, and how people write to them: docs/pages.md


def _imprint(name: str) -> imprint.Imprint:
    """Return what the file says, nothing of anyone when none is named."""
    value = os.environ.get(name, "").strip()
    if not value:
        return imprint.Imprint()
    try:
        return imprint.read(Path(value))
    except imprint.ImprintRefused as exc:
        raise ImproperlyConfigured(
            f"{name} names a file that is not understood: {exc}"
        ) from exc


def _port(name: str, usual: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return usual
    if not re.fullmatch("[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise ImproperlyConfigured(f"{name} is no port; write a number up to 65535")
    return int(value)


IMPRINT = _imprint("HISTOVET_IMPRINT")

EMAIL_HOST = os.environ.get("HISTOVET_SMTP_HOST", "").strip()
_smtp_security = _one_of("HISTOVET_SMTP_SECURITY", "starttls", "tls", "none")
EMAIL_USE_TLS = _smtp_security == "starttls"
EMAIL_USE_SSL = _smtp_security == "tls"
EMAIL_PORT = _port("HISTOVET_SMTP_PORT", 465 if EMAIL_USE_SSL else 587)
EMAIL_HOST_USER = os.environ.get("HISTOVET_SMTP_USER", "").strip()
EMAIL_HOST_PASSWORD = _secret("HISTOVET_SMTP_PASSWORD_FILE")
# A visitor waits for as long as this, and a thread of the site with them.
EMAIL_TIMEOUT = 10
CONTACT_FROM = os.environ.get("HISTOVET_CONTACT_FROM", "").strip()
CONTACT_TO = os.environ.get("HISTOVET_CONTACT_TO", "").strip()
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
if DEVELOPMENT and not EMAIL_HOST:
    # Messages are files there.
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = STATE_DIR / "mail"
    CONTACT_FROM = CONTACT_FROM or "histovet@localhost"
    CONTACT_TO = CONTACT_TO or "contact@localhost"
