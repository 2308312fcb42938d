"""Who made a delivery: signed manifests, and what stands in their place."""

import datetime as dt
import io
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from pseudonymizer import config as configuration
from pseudonymizer import manifest_signature
from pseudonymizer.__main__ import main
from pseudonymizer.errors import ConfigError, FeedRefused
from pseudonymizer.ingest import ingest
from pseudonymizer.manifest import MANIFEST_NAME, read_feed
from pseudonymizer.progress import Progress
from tests.vehicles import AS_OF, siv_lines, write_file


def _write_key(path, key, encryption=None):
    encryption = encryption or NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)
    return path


def _public(*keys):
    return b"".join(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for key in keys
    )


KEY, NEXT_KEY, STRANGER = (
    Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3)
)


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "feed-keys.pem"
    path.write_bytes(_public(KEY, NEXT_KEY))
    return path


def _signed(folder, tmp_path, key=KEY, as_of=AS_OF, label="essai"):
    write_file(folder, "siv.csv.gz", siv_lines(5))
    path = _write_key(tmp_path / "key.pem", key)
    named = ["--label", label, "--as-of", as_of.isoformat(), "--sign", str(path)]
    assert main(["manifest", str(folder), *named]) == 0
    return folder


def _refused(folder, keys):
    with pytest.raises(FeedRefused) as refused:
        read_feed(folder, folder / MANIFEST_NAME, keys)
    return refused.value.code


@pytest.mark.parametrize("key", [KEY, NEXT_KEY])
def test_a_delivery_signed_under_any_of_the_keys_is_read(tmp_path, keys, key):
    folder = _signed(tmp_path / "feed", tmp_path, key)
    assert read_feed(folder, folder / MANIFEST_NAME, keys).lines == 5


def test_openssl_checks_the_signature(tmp_path):
    folder = _signed(tmp_path / "feed", tmp_path)
    public = tmp_path / "public.pem"
    public.write_bytes(_public(KEY))
    manifest = folder / MANIFEST_NAME
    checked = subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public),
            *("-rawin", "-in", manifest, "-sigfile", f"{manifest}.sig"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verified Successfully" in checked.stdout, checked.stderr


def test_a_delivery_without_a_signature_is_refused_where_one_is_demanded(
    tmp_path, keys
):
    folder = _signed(tmp_path / "feed", tmp_path)
    (folder / "manifest.json.sig").unlink()
    assert _refused(folder, keys) == "signature_missing"
    assert read_feed(folder, folder / MANIFEST_NAME).lines == 5


def test_a_signature_under_another_key_is_refused(tmp_path, keys):
    folder = _signed(tmp_path / "feed", tmp_path, STRANGER)
    assert _refused(folder, keys) == "signature_invalid"


@pytest.mark.parametrize("cut", [0, 63, 65])
def test_a_signature_of_another_length_is_refused(tmp_path, keys, cut):
    folder = _signed(tmp_path / "feed", tmp_path)
    path = folder / "manifest.json.sig"
    path.write_bytes((path.read_bytes() + b"\0")[:cut])
    assert _refused(folder, keys) == "signature_invalid"


def test_a_changed_manifest_is_refused_before_it_is_understood(tmp_path, keys):
    folder = _signed(tmp_path / "feed", tmp_path)
    path = folder / MANIFEST_NAME
    content = path.read_bytes()
    for changed in (content.replace(b"essai", b"essaj"), content + b" ", b"{"):
        path.write_bytes(changed)
        assert _refused(folder, keys) == "signature_invalid"


def test_a_signature_that_cannot_be_read_is_refused(tmp_path, keys):
    folder = _signed(tmp_path / "feed", tmp_path)
    (folder / "manifest.json.sig").unlink()
    (folder / "manifest.json.sig").mkdir()
    assert _refused(folder, keys) == "file_unreadable"


def test_a_signed_feed_of_an_earlier_day_is_refused(config, tmp_path, keys):
    """Whoever keeps a copy of an old delivery could bring it again."""
    demanding = configuration.Config(
        config.database_url, config.register_keys, feed_public_keys=keys
    )
    progress = Progress(io.StringIO())
    today = _signed(tmp_path / "feed", tmp_path)
    assert ingest(today, today / MANIFEST_NAME, demanding, progress).activated
    earlier = AS_OF - dt.timedelta(days=1)
    old = _signed(tmp_path / "old", tmp_path, as_of=earlier, label="avant")
    with pytest.raises(FeedRefused) as refused:
        ingest(old, old / MANIFEST_NAME, demanding, progress)
    assert refused.value.code == "feed_outdated"
    # Who signs nothing may publish what they like.
    assert ingest(old, old / MANIFEST_NAME, config, progress).activated


def test_the_variable_names_the_keys(tmp_path, keys):
    environ = {
        "DATABASE_URL": "postgresql://x/y",
        "HISTOVET_REGISTER_KEYS": "ring.json",
        "HISTOVET_FEED_PUBLIC_KEYS": str(keys),
    }
    assert configuration.read(environ).feed_public_keys == keys
    assert configuration.read(environ | {"HISTOVET_FEED_PUBLIC_KEYS": " "}) == (
        configuration.read(environ | {"HISTOVET_FEED_PUBLIC_KEYS": ""})
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        _public(generate_private_key(SECP256R1())),
        _public(KEY) + _public(generate_private_key(SECP256R1())),
    ],
    ids=["empty", "text", "broken", "another kind", "one of another kind"],
)
def test_public_keys_that_are_none_stop_the_ingest(tmp_path, content):
    folder = _signed(tmp_path / "feed", tmp_path)
    path = tmp_path / "feed-keys.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="feed-keys.pem"):
        read_feed(folder, folder / MANIFEST_NAME, path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_feed(folder, folder / MANIFEST_NAME, tmp_path / "none.pem")


def test_public_keys_that_others_may_write_stop_the_ingest(tmp_path, keys):
    folder = _signed(tmp_path / "feed", tmp_path)
    keys.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod go-w"):
        read_feed(folder, folder / MANIFEST_NAME, keys)


def _broken_keys(tmp_path):
    encrypted = BestAvailableEncryption(b"secret")
    yield "missing", tmp_path / "none.pem", "cannot be read"
    for name, key, encryption in (
        ("another kind", generate_private_key(SECP256R1()), NoEncryption()),
        ("encrypted", KEY, encrypted),
    ):
        path = _write_key(tmp_path / f"{name}.pem", key, encryption)
        yield name, path, "holds no Ed25519 key"
    path = tmp_path / "text.pem"
    path.write_text("no key")
    path.chmod(0o600)
    yield "text", path, "holds no Ed25519 key"
    path = _write_key(tmp_path / "open.pem", KEY)
    path.chmod(0o640)
    yield "open to others", path, "chmod 600"


def test_a_private_key_that_cannot_be_used_signs_nothing(tmp_path, capsys):
    folder = tmp_path / "feed"
    write_file(folder, "siv.csv.gz", siv_lines(5))
    named = ["--label", "essai", "--as-of", "2022-06-01"]
    for name, path, told in _broken_keys(tmp_path):
        with pytest.raises(ConfigError, match=told):
            manifest_signature.sign(b"content", path)
        assert main(["manifest", str(folder), *named, "--sign", str(path)]) == 3, name
        assert not (folder / MANIFEST_NAME).exists()
        assert "BEGIN" not in capsys.readouterr().err
