"""Rules between settings that must hold before the site answers anyone.

histovet.E001  a trusted proxy network is so wide that anyone may stand in it
histovet.E002  the site answers to any host name
histovet.E003  development settings on a public host name
histovet.E004  a key ring lies inside the repository
histovet.E005  a key ring cannot be used: missing, readable by others, broken
histovet.E006  the two key rings share a key
histovet.E007  connections are kept by Django as well as by the pool
histovet.E008  the content security policy lets through what it is there to stop
histovet.E009  cookies may travel over plain http
histovet.E010  Django's debug pages are on
histovet.E011  a header of the client's choice decides the host name
histovet.E012  static files were not collected (only where the site is served)
histovet.E013  the site's role of the database reads records without asking for one (only
               by: check --deploy --database default)
histovet.E014  /metrics is open to a network in which anyone may stand, or to a proxy
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections

from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import KeyRing

TAG = "histovet"

# Wider public networks belong to more than one operator: providers are given a /32 of
# IPv6 each.
_WIDEST_PUBLIC_IPV4 = 16
_WIDEST_PUBLIC_IPV6 = 32
# Where nobody stands who was not let in.
# Sources: RFC 1918, 6598, 1122, 3927; RFC 4193, 4291.
_PRIVATE_IPV4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
    )
]
_PRIVATE_IPV6 = [
    ipaddress.IPv6Network("fc00::/7"),
    ipaddress.IPv6Network("fe80::/10"),
]
# Each holds all of IPv4: mapped addresses, and those of a translator.
# Sources: RFC 4291, section 2.5.5.2; RFC 6052, section 2.1.
_IPV4_WITHIN_IPV6 = [
    ipaddress.IPv6Network("::ffff:0:0/96"),
    ipaddress.IPv6Network("64:ff9b::/96"),
]

# "testserver" and "localhost" are what Django's own test tools answer to.
_LOCAL_HOSTS = frozenset(("127.0.0.1", "localhost", "[::1]", "testserver"))

_CLOSED_DIRECTIVES = ("default-src", "base-uri", "frame-ancestors")
_OPEN_SOURCES = frozenset(
    ("*", "data:", "blob:", "http:", "https:", "'strict-dynamic'")
)

AppConfigs = Sequence[AppConfig] | None
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@register(TAG)
def trusted_proxies_are_few(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    for network in _joined(settings.TRUSTED_PROXIES):
        if _is_wide(network):
            yield Error(
                f"HISTOVET_TRUSTED_PROXIES holds {network}, in which anyone may stand.",
                hint="Name only the addresses of your own proxies: whoever is in the "
                "network chooses which visitor an attempt is counted against.",
                id="histovet.E001",
            )


def _joined(networks: Iterable[IPNetwork]) -> list[IPNetwork]:
    """Return the networks without overlap: two halves are as wide as the whole."""
    plain = [_as_ipv4(network) for network in networks]
    ipv4 = [n for n in plain if isinstance(n, ipaddress.IPv4Network)]
    ipv6 = [n for n in plain if isinstance(n, ipaddress.IPv6Network)]
    return [
        *ipaddress.collapse_addresses(ipv4),
        *ipaddress.collapse_addresses(ipv6),
    ]


@register(TAG)
def metrics_are_read_by_few(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    proxies = _joined(settings.TRUSTED_PROXIES)
    for network in _joined(settings.METRICS_NETWORKS):
        if _is_wide(network):
            yield Error(
                f"HISTOVET_METRICS_NETWORKS holds {network}, in which anyone may stand.",
                hint="Name only the address of what collects the metrics.",
                id="histovet.E014",
            )
        elif any(
            network.version == proxy.version and network.overlaps(proxy)
            for proxy in proxies
        ):
            yield Error(
                f"HISTOVET_METRICS_NETWORKS holds {network}, where a proxy of "
                "HISTOVET_TRUSTED_PROXIES stands.",
                hint="Let what collects the metrics ask from another address: a proxy "
                "asks for anyone.",
                id="histovet.E014",
            )


def _as_ipv4(network: IPNetwork) -> IPNetwork:
    """Return the IPv4 network that stands within one of IPv6, any other unchanged."""
    for whole in _IPV4_WITHIN_IPV6:
        if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(whole):
            last = int(network.network_address) & 0xFFFF_FFFF
            return ipaddress.IPv4Network((last, network.prefixlen - whole.prefixlen))
    return network


def _is_wide(network: IPNetwork) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        private = any(map(network.subnet_of, _PRIVATE_IPV4))
        return network.prefixlen < _WIDEST_PUBLIC_IPV4 and not private
    if any(map(network.overlaps, _IPV4_WITHIN_IPV6)):
        return True
    private = any(map(network.subnet_of, _PRIVATE_IPV6))
    return network.prefixlen < _WIDEST_PUBLIC_IPV6 and not private


@register(TAG)
def hosts_are_named(app_configs: AppConfigs, **kwargs: Any) -> Iterator[CheckMessage]:
    hosts = set(settings.ALLOWED_HOSTS)
    if not settings.DEVELOPMENT and (not hosts or "*" in hosts):
        yield Error(
            "The site answers to any host name.",
            hint="List its names in HISTOVET_HOSTS: links and redirects carry the name "
            "that was asked for.",
            id="histovet.E002",
        )
    if settings.DEVELOPMENT and not hosts <= _LOCAL_HOSTS:
        yield Error(
            "HISTOVET_DEBUG is 1 and HISTOVET_HOSTS names more than this machine.",
            hint="Unset HISTOVET_DEBUG: it allows plain http and cookies without "
            "Secure.",
            id="histovet.E003",
        )


@register(TAG)
def key_rings_are_apart(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    rings = []
    if settings.SERVES_OPERATORS:
        named = [("HISTOVET_OPERATORS_KEYS", "site", settings.SITE_KEYS_PATH)]
    else:
        named = [
            ("HISTOVET_REGISTER_KEYS", "register", settings.REGISTER_KEYS_PATH),
            ("HISTOVET_SITE_KEYS", "site", settings.SITE_KEYS_PATH),
        ]
    for variable, purpose, path in named:
        if _lies_in_repository(path):
            yield Error(
                f"{variable} names a file inside the repository.",
                hint="Keep the key rings where no copy, commit or image of the code "
                "takes them along, for example /etc/histovet/.",
                id="histovet.E004",
            )
        try:
            rings.append(KeyRing.read(path, purpose))
        except KeyRingError as exc:
            yield Error(
                f"{variable}: {exc}.",
                hint="A ring is made by: python -m pseudonymizer keys init",
                id="histovet.E005",
            )
    if len(rings) == 2 and rings[0].shares_a_key_with(rings[1]):
        yield Error(
            "HISTOVET_REGISTER_KEYS and HISTOVET_SITE_KEYS share a key.",
            hint="Make the site's ring anew: the register job must not be able to open "
            "a link.",
            id="histovet.E006",
        )


def _lies_in_repository(path: Path) -> bool:
    inside = path.resolve()
    if settings.DEVELOPMENT and inside.is_relative_to(settings.STATE_DIR.resolve()):
        # What `make run` makes for itself, which .gitignore holds back.
        return False
    return inside.is_relative_to(settings.BASE_DIR)


@register(TAG)
def the_pool_keeps_the_connections(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    if database.get("OPTIONS", {}).get("pool") and database.get("CONN_MAX_AGE") != 0:
        yield Error(
            "CONN_MAX_AGE is not 0 although psycopg's pool keeps the connections.",
            hint="Take conn_max_age out of DATABASE_URL.",
            id="histovet.E007",
        )


@register(TAG)
def the_policy_is_strict(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    for name in _CLOSED_DIRECTIVES:
        if list(directives.get(name, ())) != ["'none'"]:
            yield _loose_policy(f"{name} is not 'none'")
    if "form-action" not in directives:
        # It does not fall back to default-src. Source: CSP 3, section 6.4.2.
        yield _loose_policy("form-action is missing")
    for name, sources in directives.items():
        for source in map(str, sources):
            if source in _OPEN_SOURCES or source.startswith("'unsafe-"):
                yield _loose_policy(f"{name} allows {source}")


def _loose_policy(what: str) -> CheckMessage:
    return Error(
        f"The content security policy is too loose: {what}.",
        hint="Put scripts, styles and images into files under static/.",
        id="histovet.E008",
    )


@register(TAG)
def cookies_stay_on_https(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.DEVELOPMENT:
        return
    if not (
        settings.CSRF_COOKIE_SECURE and settings.CSRF_COOKIE_NAME.startswith("__Host-")
    ):
        yield Error(
            "The cookie of the forms may travel over plain http.",
            hint="Outside development CSRF_COOKIE_SECURE is True and the name of the "
            "cookie starts with __Host-.",
            id="histovet.E009",
        )


@register(TAG)
def debug_pages_are_off(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error(
            "DEBUG is on: error pages would print identities and keys.",
            hint="Leave it off, in development too; the log names type and place of "
            "each exception.",
            id="histovet.E010",
        )


@register(TAG)
def the_host_is_the_servers(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.USE_X_FORWARDED_HOST or settings.USE_X_FORWARDED_PORT:
        yield Error(
            "X-Forwarded-Host or X-Forwarded-Port decides the address of the site.",
            hint="Let the proxy pass the Host header on, and leave both settings off.",
            id="histovet.E011",
        )


@register(TAG, deploy=True)
def static_files_are_collected(
    app_configs: AppConfigs, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.DEVELOPMENT:
        return
    if not (settings.STATIC_ROOT / "staticfiles.json").is_file():
        yield Error(
            f"{settings.STATIC_ROOT} holds no collected files: no page can be shown.",
            hint="Run: python manage.py collectstatic --noinput, with the HISTOVET_STATE "
            "that the site has.",
            id="histovet.E012",
        )


# Not when the site starts, nor before `migrate`: the one may start before its database
# does, the other is run by the owner.
@register(TAG, Tags.database, deploy=True)
def records_are_read_one_by_one(
    app_configs: AppConfigs, databases: Sequence[str] | None = None, **kwargs: Any
) -> Iterator[CheckMessage]:
    if settings.DEVELOPMENT or DEFAULT_DB_ALIAS not in (databases or ()):
        return
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        # Without the table nobody reads it.
        cursor.execute(
            "SELECT coalesce("
            "has_table_privilege(to_regclass('public.vault_record'), 'SELECT'), false)"
        )
        (reads_all,) = cursor.fetchone()
    if reads_all:
        yield Error(
            "DATABASE_URL names a superuser, the owner of the tables, or another role "
            "that reads every sealed record.",
            hint="Name the role of the site, or that of operators; it is made by: "
            "python manage.py database_roles (docs/operations.md)",
            id="histovet.E013",
        )
