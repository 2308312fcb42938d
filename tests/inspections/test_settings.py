import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.test_settings import manage, production, start, tmp_path  # noqa: F401


def test_utac_is_not_asked_unless_named(production, start):  # noqa: F811
    settings = start(production)
    assert settings["UTAC_URL"] == ""
    assert settings["UTAC_TIMEOUT_SECONDS"] == 2.0
    assert settings["UTAC_CERTIFICATE"] is None


def test_all_that_reaches_utac_is_read(production, start, tmp_path):  # noqa: F811
    pem = tmp_path / "c.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    pem.chmod(0o600)
    secret = tmp_path / "secret"
    secret.write_text("véry secret\n")
    secret.chmod(0o600)
    token = tmp_path / "token"
    token.write_text("ines")
    token.chmod(0o600)
    settings = start(
        production
        | {
            "HISTOVET_UTAC_URL": " https://utac.example:8443/api/ ",
            "HISTOVET_UTAC_USER": "histovet",
            "HISTOVET_UTAC_PASSWORD_FILE": str(secret),
            "HISTOVET_UTAC_TOKEN_FILE": str(token),
            "HISTOVET_UTAC_CERTIFICATE": str(pem),
            "HISTOVET_UTAC_PRIVATE_KEY": str(pem),
            "HISTOVET_UTAC_CA": str(pem),
            "HISTOVET_UTAC_TIMEOUT": "0.5",
        }
    )
    assert settings["UTAC_URL"] == "https://utac.example:8443/api"
    assert settings["UTAC_USER"] == "histovet"
    assert settings["UTAC_PASSWORD"] == "véry secret"
    assert settings["UTAC_TOKEN"] == "ines"
    assert settings["UTAC_CERTIFICATE"] == settings["UTAC_CA"] == pem
    assert settings["UTAC_PRIVATE_KEY"] == pem
    assert settings["UTAC_TIMEOUT_SECONDS"] == 0.5


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("HISTOVET_UTAC_URL", "utac.example", "no address"),
        ("HISTOVET_UTAC_URL", "ftp://utac.example", "no address"),
        ("HISTOVET_UTAC_URL", "https://", "no address"),
        ("HISTOVET_UTAC_URL", "https://:443", "no address"),
        ("HISTOVET_UTAC_URL", "https://utac.example:port", "no address"),
        ("HISTOVET_UTAC_URL", "https://utac.example:99999", "no address"),
        ("HISTOVET_UTAC_URL", "https://utac.example:0", "no address"),
        ("HISTOVET_UTAC_URL", "https://a:b@utac.example", "no address"),
        ("HISTOVET_UTAC_URL", "https://utac.example/?a=b", "no address"),
        ("HISTOVET_UTAC_URL", "https://utac.example/#a", "no address"),
        ("HISTOVET_UTAC_URL", "https://utac.example/a b", "no address"),
        ("HISTOVET_UTAC_URL", "https://útac.example", "no address"),
        ("HISTOVET_UTAC_URL", "https://[::1", "no address"),
        ("HISTOVET_UTAC_URL", "https://utac..example", "no address"),
        ("HISTOVET_UTAC_URL", "https://" + "a" * 64 + ".example", "no address"),
        ("HISTOVET_UTAC_USER", "a:b", "colon"),
        ("HISTOVET_UTAC_USER", "a\nb", "invisible"),
        ("HISTOVET_UTAC_TIMEOUT", "two", "no time"),
        ("HISTOVET_UTAC_TIMEOUT", "2,5", "no time"),
        ("HISTOVET_UTAC_TIMEOUT", "nan", "no time"),
        ("HISTOVET_UTAC_TIMEOUT", "1e1", "no time"),
        ("HISTOVET_UTAC_TIMEOUT", "-1", "no time"),
        ("HISTOVET_UTAC_TIMEOUT", "0", "no time"),
        ("HISTOVET_UTAC_TIMEOUT", "0.09", "no time"),
        ("HISTOVET_UTAC_TIMEOUT", "10.1", "no time"),
        *(
            (name, "/nowhere/at/all", "cannot be read")
            for name in (
                *("HISTOVET_UTAC_PASSWORD_FILE", "HISTOVET_UTAC_TOKEN_FILE"),
                *("HISTOVET_UTAC_CERTIFICATE", "HISTOVET_UTAC_PRIVATE_KEY"),
                "HISTOVET_UTAC_CA",
            )
        ),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(
    production,  # noqa: F811
    start,  # noqa: F811
    name,
    value,
    why,
):
    with pytest.raises(ImproperlyConfigured) as refused:
        start(production | {name: value})
    assert str(refused.value).startswith(name)
    assert why in str(refused.value)


@pytest.mark.parametrize("timeout", ["0.1", "10", "10.0", "3"])
def test_times_within_the_bounds_pass(production, start, timeout):  # noqa: F811
    settings = start(production | {"HISTOVET_UTAC_TIMEOUT": timeout})
    assert settings["UTAC_TIMEOUT_SECONDS"] == float(timeout)


@pytest.mark.parametrize(
    "name", ["HISTOVET_UTAC_PASSWORD_FILE", "HISTOVET_UTAC_TOKEN_FILE"]
)
@pytest.mark.parametrize("content", [b"", b" \n", b"one\ntwo\n", b"\xff\xfe", b"a\0b"])
def test_a_secret_is_one_line_of_text(
    production,  # noqa: F811
    start,  # noqa: F811
    tmp_path,  # noqa: F811
    name,
    content,
):
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(ImproperlyConfigured) as refused:
        start(production | {name: str(file)})
    assert str(refused.value).startswith(f"{name} names a file without one line")


def test_the_token_is_fit_for_a_header(production, start, tmp_path):  # noqa: F811
    file = tmp_path / "token"
    file.write_text("tóken")
    file.chmod(0o600)
    with pytest.raises(ImproperlyConfigured, match="^HISTOVET_UTAC_TOKEN_FILE"):
        start(production | {"HISTOVET_UTAC_TOKEN_FILE": str(file)})


@pytest.mark.parametrize(
    "name",
    ["HISTOVET_UTAC_CERTIFICATE", "HISTOVET_UTAC_PRIVATE_KEY", "HISTOVET_UTAC_CA"],
)
def test_a_file_that_is_not_pem_is_refused(
    production,  # noqa: F811
    start,  # noqa: F811
    tmp_path,  # noqa: F811
    name,
):
    file = tmp_path / "c.pfx"
    file.write_bytes(b"\x30\x82")
    file.chmod(0o600)
    with pytest.raises(ImproperlyConfigured, match=f"^{name} .*not PEM"):
        start(production | {name: str(file)})


def test_a_refused_address_does_not_print_its_password(production):  # noqa: F811
    production["HISTOVET_UTAC_URL"] = "https://a:verysecret@utac.example"
    done = manage(production, "manage.py", "check")
    assert done.returncode != 0
    assert "HISTOVET_UTAC_URL is no address" in done.stderr
    assert "verysecret" not in done.stderr + done.stdout
