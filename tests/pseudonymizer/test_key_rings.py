"""Key ring files: SPEC.md section 4. Every unsafe one is refused, none is replaced."""

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from pseudonymizer.envelope import KeyRing, write_new_ring
from pseudonymizer.errors import KeyRingError

KEY = bytes(range(32))
OTHER = bytes(range(100, 132))

Json = dict[str, Any]


def entry(version: Any = 1, key: Any = KEY, active: Any = True, **more: Any) -> Json:
    text = base64.b64encode(key).decode() if isinstance(key, bytes) else key
    return {"version": version, "key": text, "active": active, **more}


def document(*entries: Any, purpose: Any = "register") -> Json:
    return {"purpose": purpose, "keys": list(entries)}


def write(path: Path, content: Any, mode: int = 0o600) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def refused(path: Path, purpose: str = "register") -> str:
    """Return why the file is refused; the message names it and shows no key."""
    with pytest.raises(KeyRingError) as error:
        KeyRing.read(path, purpose)
    message = str(error.value)
    assert str(path) in message
    assert f"the {purpose} key ring" in message
    for key in (KEY, OTHER):
        assert base64.b64encode(key).decode() not in message
        assert key.hex() not in message
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "register.json"


def test_a_good_ring_is_read(path: Path) -> None:
    write(path, document(entry(1, KEY, False), entry(32767, OTHER)))
    ring = KeyRing.read(path, "register")
    assert (ring.purpose, ring.versions, ring.active) == ("register", (1, 32767), 32767)
    assert ring.derive("lookup") == ring.derive("lookup", version=32767)
    assert ring.derive("lookup") != ring.derive("lookup", version=1)


def test_what_a_ring_says_of_itself_beside_the_keys_is_left_alone(path: Path) -> None:
    whole = {**document(entry(note="faite le 1er mars")), "note": "coffre 3"}
    assert KeyRing.read(write(path, whole), "register").versions == (1,)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_ring_that_its_owner_alone_reads_is_read(path: Path, mode: int) -> None:
    write(path, document(entry()), mode)
    assert KeyRing.read(path, "register").active == 1


@pytest.mark.parametrize(
    "mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o666, 0o440, 0o777]
)
def test_a_ring_open_to_others_is_refused(path: Path, mode: int) -> None:
    write(path, document(entry()), mode)
    assert f"may be read by others; run: chmod 600 {path}" in refused(path)


def test_a_missing_ring_is_refused_with_the_command_that_makes_one(path: Path) -> None:
    message = refused(path)
    assert "cannot be read (No such file or directory)" in message
    assert "python -m pseudonymizer keys init" in message


def test_a_folder_is_no_ring(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in refused(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_ring_that_may_not_be_read_is_refused(path: Path) -> None:
    write(path, document(entry()), 0o200)
    assert "cannot be read (Permission denied)" in refused(path)


@pytest.mark.parametrize("purpose", ["register", "site"])
def test_a_ring_of_another_purpose_is_refused(path: Path, purpose: str) -> None:
    other = {"register": "site", "site": "register"}[purpose]
    for given in (other, purpose.upper(), "", None, [purpose]):
        write(path, document(entry(), purpose=given))
        message = refused(path, purpose)
        assert f'must say "purpose": "{purpose}"; another ring was given' in message
    write(path, {"keys": [entry()]})
    assert "another ring was given" in refused(path, purpose)


@pytest.mark.parametrize(
    "text",
    ["", "{", "register", "b'key'", '{"purpose": "register", "keys": [', "[" * 100_000],
)
def test_what_is_no_json_is_refused(path: Path, text: str) -> None:
    write(path, text)
    assert "is not JSON" in refused(path)


def test_bytes_that_are_no_text_are_refused(path: Path) -> None:
    write(path, "")
    path.write_bytes(b'{"purpose": "\xff"}')
    assert "is not JSON" in refused(path)


@pytest.mark.parametrize(
    "content",
    [[], [entry()], "text", 5, None, {}, {"purpose": "register"},
     {"purpose": "register", "keys": None}, {"purpose": "register", "keys": {}},
     {"purpose": "register", "keys": entry()}, {"purpose": "register", "keys": "x"}],
)  # fmt: skip
def test_a_document_without_a_list_of_keys_is_refused(path: Path, content: Any) -> None:
    write(path, json.dumps(content))
    assert 'has no list "keys"' in refused(path)


@pytest.mark.parametrize("item", [None, 1, "x", [], [entry()], True])
def test_a_key_that_is_no_object_is_refused(path: Path, item: Any) -> None:
    write(path, document(entry(), item))
    assert 'has an entry in "keys" that is no object' in refused(path)


@pytest.mark.parametrize(
    "version", [0, -1, 32768, 2**40, True, False, None, "1", 1.0, 1.5, [1], {}]
)
def test_a_version_that_is_none_is_refused(path: Path, version: Any) -> None:
    write(path, document(entry(version)))
    assert "has a key without a version from 1 to 32767" in refused(path)
    write(path, document({"key": entry()["key"], "active": True}))
    assert "has a key without a version" in refused(path)


def test_a_version_twice_is_refused(path: Path) -> None:
    write(path, document(entry(4, KEY), entry(4, OTHER, False)))
    assert "has version 4 twice" in refused(path)


@pytest.mark.parametrize(
    "text",
    ["not base64!", "====", "A", KEY.hex()[:63] + "-", "clé", "\u00e9" * 44,
     base64.urlsafe_b64encode(b"\xff" * 32).decode(),
     base64.b64encode(KEY).decode() + "\n", " " + base64.b64encode(KEY).decode(),
     base64.b64encode(KEY).decode().rstrip("="), ["AAAA"], {"a": 1}, 1.5],
)  # fmt: skip
def test_a_key_that_is_no_base64_is_refused(path: Path, text: Any) -> None:
    write(path, document(entry(3, text)))
    assert "has no base64 key in version 3" in refused(path)


@pytest.mark.parametrize(
    ("key", "size"),
    [(b"", 0), (KEY[:1], 1), (KEY[:16], 16), (KEY[:31], 31), (KEY + b"\x20", 33),
     (KEY + OTHER, 64)],
)  # fmt: skip
def test_a_key_that_is_not_32_bytes_is_refused(
    path: Path, key: bytes, size: int
) -> None:
    write(path, document(entry(3, key)))
    assert f"has a key of {size} bytes in version 3, not 32" in refused(path)


@pytest.mark.parametrize("text", [None, True, 12, KEY.hex()])
def test_what_is_written_for_a_key_is_never_taken_for_one(
    path: Path, text: Any
) -> None:
    write(path, document(entry(3, text)))
    assert "in version 3" in refused(path)
    write(path, document({"version": 3, "active": True}))
    assert "in version 3" in refused(path)


@pytest.mark.parametrize(
    "key",
    [bytes(32), b"\xff" * 32, b"A" * 32, b"AB" * 16, bytes(range(15)) * 3],
)
def test_a_key_that_is_not_random_is_refused(path: Path, key: bytes) -> None:
    write(path, document(entry(3, key[:32])))
    assert "has a key in version 3 that is not random" in refused(path)


def test_sixteen_different_bytes_are_enough(path: Path) -> None:
    write(path, document(entry(3, bytes(range(16)) * 2)))
    assert KeyRing.read(path, "register").versions == (3,)


def test_a_key_twice_is_refused(path: Path) -> None:
    write(path, document(entry(1, KEY, False), entry(2, OTHER, False), entry(3, KEY)))
    assert "has the key of version 3 twice" in refused(path)


@pytest.mark.parametrize(
    ("active", "count"),
    [((False, False), 0), ((True, True), 2), ((1, "true"), 0), ((None, "yes"), 0)],
)
def test_a_ring_without_exactly_one_active_key_is_refused(
    path: Path, active: tuple[Any, Any], count: int
) -> None:
    write(path, document(entry(1, KEY, active[0]), entry(2, OTHER, active[1])))
    assert f"must have one active key and has {count}" in refused(path)


def test_a_ring_without_keys_is_refused(path: Path) -> None:
    write(path, document())
    assert "must have one active key and has 0" in refused(path)


def test_rings_tell_when_they_share_a_key(path: Path) -> None:
    register = KeyRing("register", {1: KEY, 2: OTHER}, 1)
    assert register.shares_a_key_with(KeyRing("site", {7: OTHER}, 7))
    assert not register.shares_a_key_with(KeyRing("site", {1: OTHER[::-1]}, 1))


def test_a_ring_shows_no_key() -> None:
    ring = KeyRing("register", {1: KEY, 3: OTHER}, 3)
    assert repr(ring) == str(ring) == "<KeyRing register versions (1, 3)>"


def test_a_new_ring_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "register.json"
    before = os.umask(0)
    try:
        write_new_ring(path, "register", KEY)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    ring = KeyRing.read(path, "register")
    assert (ring.versions, ring.active) == ((1,), 1)
    assert ring.derive("lookup") == KeyRing("register", {1: KEY}, 1).derive("lookup")


def test_a_ring_is_never_written_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    write_new_ring(path, "register", KEY)
    kept = path.read_bytes()
    with pytest.raises(KeyRingError, match="exists and is kept"):
        write_new_ring(path, "register", OTHER)
    assert path.read_bytes() == kept
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(KeyRingError, match="exists and is kept"):
        write_new_ring(empty, "register", OTHER)
    assert empty.read_bytes() == b""
    # A link to a file that is not there would be a way around.
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyRingError, match="exists and is kept"):
        write_new_ring(dangling, "register", OTHER)
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(KeyRingError):
        write_new_ring(tmp_path, "register", OTHER)


def test_a_ring_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyRingError, match=r"file cannot be made \(File exists\)"):
        write_new_ring(tmp_path / "file" / "register.json", "register", KEY)
