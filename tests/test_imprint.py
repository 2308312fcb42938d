import datetime as dt

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from histovet.imprint import Imprint, ImprintRefused, read
from tests.test_settings import production, start, tmp_path, write_imprint  # noqa: F401

UNTIL = dt.date.today() + dt.timedelta(days=300)
WHOLE = Imprint(
    name="Préfecture",
    address="1 place",
    phone="01",
    email="a@b.example",
    director="X",
    host="Y",
    data_protection="dpo@b.example",
    security="mailto:s@b.example",
    security_until=UNTIL,
)


@pytest.fixture
def served(settings):
    """As in production, where nobody minds anything else than what a test changes."""
    settings.DEVELOPMENT = False
    settings.IMPRINT = WHOLE
    settings.EMAIL_HOST = "mail.example"
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = True, False
    settings.CONTACT_FROM, settings.CONTACT_TO = "a@b.example", "c@d.example"
    return settings


def found() -> list[str]:
    problems = run_checks(tags=["histovet"], include_deployment_checks=True)
    ours = [problem for problem in problems if problem.id[-3:-1] == "06"]
    assert all(problem.hint for problem in ours)
    return [problem.id.removeprefix("histovet.") for problem in ours]


def test_a_whole_file_is_read(tmp_path):  # noqa: F811
    said = read(write_imprint(tmp_path / "imprint.toml"))
    assert said.name == "Préfecture d’Essai"
    assert said.address == "1 place du Marché\n75000 Paris"
    assert said.security_until == UNTIL
    assert said.missing == ()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("name = ", "not TOML"),
        ("nom = 'x'", "knows no 'nom', but name, address"),
        ("name = 3", "name is no text"),
        ("security_until = '2027-06-30'", "security_until is no date"),
        ("security_until = 2027-06-30T00:00:00Z", "security_until is no date"),
        (b"name = '\xff'", "not TOML in UTF-8"),
    ],
)
def test_a_file_that_is_not_understood_says_why(tmp_path, content, why):  # noqa: F811
    path = tmp_path / "imprint.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ImprintRefused, match=why):
        read(path)


def test_a_wrong_file_stops_the_start_with_its_variable(production, start, tmp_path):  # noqa: F811
    production["HISTOVET_IMPRINT"] = str(tmp_path / "absent.toml")
    with pytest.raises(ImproperlyConfigured, match=r"HISTOVET_IMPRINT .*No such file"):
        start(production)


def test_a_whole_set_up_passes(served):
    assert found() == []


@pytest.mark.parametrize("name", ["name", "address", "phone", "email", "director",
                                  "host", "data_protection"])  # fmt: skip
def test_what_the_law_wants_said_is_missed(served, name):
    served.IMPRINT = read_without(name)
    assert found() == ["E061"]
    served.DEVELOPMENT = True
    assert found() == []


def read_without(name: str) -> Imprint:
    said = {field: getattr(WHOLE, field) for field in Imprint.__dataclass_fields__}
    return Imprint(**(said | {name: ""}))


@pytest.mark.parametrize(
    "changes",
    [
        {"CONTACT_TO": ""},
        {"CONTACT_FROM": ""},
        {"EMAIL_HOST": ""},
        {"EMAIL_HOST_USER": "a"},
        {"EMAIL_HOST_PASSWORD": "b"},
        {"CONTACT_TO": "Contact <a@b.example>"},
        {"CONTACT_FROM": "a@b.example, c@d.example"},
    ],
)
def test_half_a_way_for_messages_is_refused(served, changes):
    for name, value in changes.items():
        setattr(served, name, value)
    assert found() == ["E062"]


def test_no_way_for_messages_passes(served):
    served.CONTACT_FROM = served.CONTACT_TO = served.EMAIL_HOST = ""
    assert found() == []


@pytest.mark.parametrize(
    ("host", "expected"), [("mail.example", ["E063"]), ("localhost", [])]
)
def test_mail_in_clear_stays_on_the_machine(served, host, expected):
    served.EMAIL_USE_TLS, served.EMAIL_HOST = False, host
    assert found() == expected


def test_a_security_contact_is_an_address(served):
    said = {field: getattr(WHOLE, field) for field in Imprint.__dataclass_fields__}
    served.IMPRINT = Imprint(**(said | {"security": "s@b.example"}))
    assert found() == ["E064"]


@pytest.mark.parametrize("until", [None, dt.date.today(), dt.date(2020, 1, 1)])
def test_a_security_contact_out_of_date_is_warned_of(served, until):
    said = {field: getattr(WHOLE, field) for field in Imprint.__dataclass_fields__}
    served.IMPRINT = Imprint(**(said | {"security_until": until}))
    assert found() == ["W065"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (587, True, False)),
        ({"HISTOVET_SMTP_SECURITY": "tls"}, (465, False, True)),
        (
            {"HISTOVET_SMTP_SECURITY": "none", "HISTOVET_SMTP_PORT": "25"},
            (25, False, False),
        ),
    ],
)
def test_how_mail_is_sent(production, start, changes, expected):  # noqa: F811
    found = start(production | {"HISTOVET_SMTP_HOST": "mail.example"} | changes)
    names = ("EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_USE_SSL")
    assert tuple(found[name] for name in names) == expected
    assert found["EMAIL_BACKEND"].endswith("smtp.EmailBackend")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HISTOVET_SMTP_SECURITY", "ssl"),
        ("HISTOVET_SMTP_PORT", "0"),
        ("HISTOVET_SMTP_PORT", "65536"),
        ("HISTOVET_SMTP_PORT", "smtp"),
    ],
)
def test_a_mail_setting_that_is_none_stops_the_start(production, start, name, value):  # noqa: F811
    with pytest.raises(ImproperlyConfigured, match=name):
        start(production | {name: value})


def test_in_development_mail_is_a_file_unless_a_host_is_named(production, start):  # noqa: F811
    development = production | {"HISTOVET_DEBUG": "1", "HISTOVET_HOSTS": "localhost"}
    found = start(development)
    assert found["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
    assert found["CONTACT_TO"] == "contact@localhost"
    assert found["EMAIL_FILE_PATH"] == found["STATE_DIR"] / "mail"
    found = start(development | {"HISTOVET_SMTP_HOST": "localhost"})
    assert found["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
