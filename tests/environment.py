"""Values that no variable of the environment may have, for each that is deployed.

`said` stands in the one line that a start answers, after the variable's name: in the
settings where they are read, or in a system check.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wrong:
    """`beside` are the other variables that make it wrong; names in braces stand for
    files that a test makes."""

    name: str
    value: str
    said: str
    beside: dict[str, str] = field(default_factory=dict)
    is_check: bool = False


def _files(*names: str, said: str = "") -> list[Wrong]:
    """What is wrong of any file; `said` is of one that holds nothing of its kind."""
    places = (
        ("{absent}", "No such file"),
        ("{folder}", "Is a directory"),
        ("{loop}", "symbolic links"),
        *((("{noise}", said),) if said else ()),
    )
    return [Wrong(name, value, why) for name in names for value, why in places]


def _secrets(*names: str, said: str) -> list[Wrong]:
    return [
        *_files(*names, said=said),
        *(Wrong(name, "{open}", "others") for name in names),
        *(Wrong(name, "{empty}", said) for name in names),
    ]


_UTAC = {
    "HISTOVET_UTAC_URL": "https://utac.example",
    "HISTOVET_UTAC_USER": "histovet",
    "HISTOVET_UTAC_PASSWORD_FILE": "{secret}",
}
_MAIL = {
    "HISTOVET_SMTP_HOST": "mail.example",
    "HISTOVET_CONTACT_FROM": "a@b.example",
    "HISTOVET_CONTACT_TO": "c@d.example",
}

OF_SITE = [
    Wrong("DATABASE_URL", "", "not set"),
    Wrong("DATABASE_URL", "db.example", "no database URL"),
    Wrong("DATABASE_URL", "postgresql://a:b@db.example:port/h", "no database URL"),
    Wrong("DATABASE_URL", "mysql://db.example/h", "PostgreSQL"),
    Wrong("DATABASE_URL", "postgresql://", "names no database"),
    Wrong("DATABASE_URL", "postgresql://db.example/h?sslmodus=x", "option"),
    Wrong("DATABASE_URL", "postgresql://db.example/h?conn_max_age=60", "option"),
    *_secrets("HISTOVET_REGISTER_KEYS", "HISTOVET_SITE_KEYS", said="is not JSON"),
    Wrong("HISTOVET_REGISTER_KEYS", "", "not set"),
    Wrong("HISTOVET_REGISTER_KEYS", "{site_ring}", "another ring"),
    Wrong("HISTOVET_SITE_KEYS", "", "not set"),
    Wrong("HISTOVET_SITE_KEYS", "{register_ring}", "another ring"),
    Wrong("HISTOVET_SITE_KEYS", "{same_key}", "share a key", is_check=True),
    Wrong("HISTOVET_HOSTS", "", "not set"),
    Wrong("HISTOVET_HOSTS", "https://a.example", "no host name"),
    Wrong("HISTOVET_HOSTS", "*", "any host name", is_check=True),
    Wrong("HISTOVET_TRUSTED_PROXIES", "proxy.example", "no network"),
    Wrong("HISTOVET_TRUSTED_PROXIES", "0.0.0.0/0", "anyone", is_check=True),
    Wrong("HISTOVET_METRICS_NETWORKS", "prometheus.example", "no network"),
    Wrong("HISTOVET_METRICS_NETWORKS", "0.0.0.0/0", "anyone", is_check=True),
    Wrong(
        "HISTOVET_METRICS_NETWORKS",
        "10.0.4.0/24",
        "where a proxy",
        {"HISTOVET_TRUSTED_PROXIES": "10.0.4.5"},
        is_check=True,
    ),
    *(
        Wrong("HISTOVET_BRAKE_FAILURES", value, "whole number")
        for value in ("0", "-1", "1e3", "1.5", "many", "٣")
    ),
    *_files("HISTOVET_SIGNING_KEY", "HISTOVET_SIGNING_CERTIFICATE"),
    *_secrets(
        "HISTOVET_UTAC_PASSWORD_FILE",
        "HISTOVET_UTAC_TOKEN_FILE",
        "HISTOVET_SMTP_PASSWORD_FILE",
        said="one line of text",
    ),
    Wrong("HISTOVET_UTAC_TOKEN_FILE", "{accented}", "no header"),
    *_files("HISTOVET_UTAC_CERTIFICATE", "HISTOVET_UTAC_CA", said="not PEM"),
    *_secrets("HISTOVET_UTAC_PRIVATE_KEY", said="not PEM"),
    *(
        Wrong(name, "{pem}", "cannot be used", _UTAC | beside, is_check=True)
        for name, beside in (
            ("HISTOVET_UTAC_CA", {}),
            ("HISTOVET_UTAC_CERTIFICATE", {"HISTOVET_UTAC_PRIVATE_KEY": "{pem}"}),
            ("HISTOVET_UTAC_PRIVATE_KEY", {"HISTOVET_UTAC_CERTIFICATE": "{pem}"}),
        )
    ),
    *(
        Wrong(name, value, "HISTOVET_UTAC_URL is not set", beside, is_check=True)
        for name, value, beside in (
            ("HISTOVET_UTAC_USER", "a", {"HISTOVET_UTAC_PASSWORD_FILE": "{secret}"}),
            ("HISTOVET_UTAC_PASSWORD_FILE", "{secret}", {"HISTOVET_UTAC_USER": "a"}),
            ("HISTOVET_UTAC_TOKEN_FILE", "{secret}", {}),
            ("HISTOVET_UTAC_CA", "{pem}", {}),
        )
    ),
    Wrong("HISTOVET_UTAC_URL", "utac.example", "no address"),
    Wrong("HISTOVET_UTAC_URL", "https://a:b@utac.example", "no address"),
    Wrong("HISTOVET_UTAC_URL", "http://utac.example", "plain http", is_check=True),
    Wrong("HISTOVET_UTAC_URL", "https://utac.example", "no name", is_check=True),
    Wrong("HISTOVET_UTAC_USER", "a:b", "colon"),
    Wrong("HISTOVET_UTAC_USER", "a", "PASSWORD_FILE is not", is_check=True),
    *(
        Wrong("HISTOVET_UTAC_TIMEOUT", value, "no time")
        for value in ("0", "11", "nan", "2,5", "two")
    ),
    *(
        Wrong("HISTOVET_RELEASE_MAX_AGE_DAYS", value, "number of days")
        for value in ("0", "-1", "3661", "five", "1.5")
    ),
    Wrong("HISTOVET_SERVES", "everybody", "none of"),
    Wrong("HISTOVET_LOG_FORMAT", "xml", "neither json nor text"),
    *_files("HISTOVET_IMPRINT", said="not TOML"),
    Wrong("HISTOVET_IMPRINT", "", "does not say", is_check=True),
    Wrong("HISTOVET_IMPRINT", "{empty}", "does not say", is_check=True),
    *(
        Wrong("HISTOVET_SMTP_PORT", value, "no port")
        for value in ("0", "65536", "-1", "smtp")
    ),
    Wrong("HISTOVET_SMTP_SECURITY", "ssl", "none of"),
    Wrong("HISTOVET_SMTP_SECURITY", "none", "another machine", _MAIL, is_check=True),
    *(
        Wrong(
            name,
            "",
            "is missing",
            {other: value for other, value in _MAIL.items() if other != name},
            is_check=True,
        )
        for name in _MAIL
    ),
    Wrong("HISTOVET_CONTACT_FROM", "A <a@b.example>", "no e-mail", _MAIL, True),
    Wrong("HISTOVET_CONTACT_TO", "contact", "no e-mail", _MAIL, True),
    Wrong("HISTOVET_SMTP_USER", "a", "PASSWORD_FILE is not", _MAIL, True),
    Wrong("HISTOVET_SMTP_USER", "a", "HOST is not", {}, True),
    Wrong("HISTOVET_SMTP_PASSWORD_FILE", "{secret}", "USER is not", _MAIL, True),
    *(Wrong("HISTOVET_DEBUG", value, "neither 0 nor 1") for value in ("yes", "2")),
    Wrong("HISTOVET_DEBUG", "1", "more than this machine", is_check=True),
    Wrong("HISTOVET_STATE", "{empty}", "no folder"),
    Wrong("HISTOVET_STATE", "{loop}", "no folder"),
    Wrong("HISTOVET_STATE", "/" + "a" * 300, "no folder"),
    Wrong("HISTOVET_STATE", "{folder}", "no collected files", is_check=True),
]

OF_JOB = [
    Wrong("DATABASE_URL", "", "not set"),
    Wrong("DATABASE_URL", "postgresql://127.0.0.1:port/h", "database"),
    Wrong("DATABASE_URL", "postgresql://127.0.0.1:1/h", "database"),
    Wrong("HISTOVET_REGISTER_KEYS", "", "not set"),
    Wrong("HISTOVET_REGISTER_KEYS", "{site_ring}", "another ring"),
    *_secrets("HISTOVET_REGISTER_KEYS", said="is not JSON"),
    *(
        Wrong("HISTOVET_MAX_REJECT_SHARE", value, "share from 0 to 1")
        for value in ("-0.1", "1.1", "nan", "1%", "all")
    ),
    *_files("HISTOVET_FEED_PUBLIC_KEYS", said="PEM"),
]
