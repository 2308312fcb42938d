"""Key ring files: SPEC.md section 4. Every unsafe one is refused, none is replaced."""

import base64
import json
import os
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pseudonymizer.errors import KeyRingError
from pseudonymizer.key_ring import HeldRing, KeyRing, held, write_new_ring

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


@pytest.fixture
def reachable() -> Iterator[Path]:
    """The path of a ring in a folder that every user may look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder, "register.json")


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


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
# 0444 is what Docker gives a secret that nobody gave a mode.
OPEN = [0o604, 0o644, 0o444, 0o620, 0o660, 0o602, 0o610, 0o601, 0o666, 0o777]
GROUP = [0o640, 0o440]


@pytest.mark.parametrize("mode", OPEN)
def test_a_ring_open_to_others_is_refused(path: Path, mode: int) -> None:
    write(path, document(entry()), mode)
    why = refused(path)
    assert f"may be read by others; run: chmod 600 {path}" in why
    assert "secret of Docker the mode 0400" in why


@AS_ROOT
@pytest.mark.parametrize("mode", GROUP)
def test_a_group_reads_what_root_gave_it_and_nothing_of_anybody_else(
    path: Path, mode: int
) -> None:
    write(path, document(entry()), mode)
    os.chown(path, 0, 4242)
    assert KeyRing.read(path, "register").active == 1
    os.chown(path, 4243, 4242)
    assert "may be read by others" in refused(path)


@AS_ROOT
def test_a_credential_of_systemd_is_read_by_its_service(reachable: Path) -> None:
    """systemd 252, write_credential: a file of root, mode 0400, then an ACL for the
    service's user; without ACLs the file is given to that user."""
    write(reachable, document(entry()), 0o400)
    try:
        os.setxattr(reachable, "system.posix_acl_access", acl_for(4242))
    except OSError as exc:
        pytest.skip(f"no ACLs on this file system ({exc.strerror})")
    assert stat.S_IMODE(reachable.stat().st_mode) == 0o440
    assert _read_as(4242, reachable) == "(1,)"
    assert "Permission denied" in _read_as(4243, reachable)


@AS_ROOT
@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_secret_given_to_its_reader_is_read(reachable: Path, mode: int) -> None:
    write(reachable, document(entry()), mode)
    os.chown(reachable, 4242, 4242)
    assert _read_as(4242, reachable) == "(1,)"
    assert "Permission denied" in _read_as(4243, reachable)


def acl_for(uid: int) -> bytes:
    """Return `user::r--, user:UID:r--, group::---, mask::r--, other::---`.

    Source: linux/posix_acl_xattr.h: a version, then tag, permissions and id of each.
    """
    nobody = 2**32 - 1
    entries = [(1, 4, nobody), (2, 4, uid), (4, 0, nobody), (16, 4, nobody)]
    entries.append((32, 0, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


def _read_as(uid: int, path: Path) -> str:
    """Return the versions that a process of this user reads, or why it reads none."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pseudonymizer.errors import KeyRingError\n"
        "from pseudonymizer.key_ring import KeyRing\n"
        f"os.setgroups([]); os.setgid({uid}); os.setuid({uid})\n"
        "try:\n"
        "    print(KeyRing.read(Path(sys.argv[1]), 'register').versions)\n"
        "except KeyRingError as exc:\n"
        "    print(exc)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def test_a_missing_ring_is_refused_with_the_command_that_makes_one(path: Path) -> None:
    message = refused(path)
    assert "cannot be read (No such file or directory)" in message
    assert "python -m pseudonymizer keys init" in message


def test_a_folder_is_no_ring(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in refused(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_ring_that_may_not_be_read_is_refused(path: Path) -> None:
    write(path, document(entry()), 0o200)
    message = refused(path)
    assert "cannot be read (Permission denied)" in message
    assert "has to own it" in message and "keys init" not in message


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


# Changes of a ring


def changed(path: Path, change: Callable[[HeldRing], bytes]) -> KeyRing:
    with held(path, "register") as ring:
        ring.write(change(ring), None)
    return KeyRing.read(path, "register")


def subkeys(ring: KeyRing) -> dict[int, bytes]:
    return {version: ring.derive("x", version=version) for version in ring.versions}


@pytest.mark.parametrize(("is_active", "active"), [(True, 6), (False, 2)])
def test_a_new_key_is_added_and_every_old_one_stays(
    path: Path, is_active: bool, active: int
) -> None:
    write(path, document(entry(2, KEY), entry(5, OTHER, False)))
    before = subkeys(KeyRing.read(path, "register"))
    new = bytes(range(50, 82))
    ring = changed(path, lambda held: held.with_new_key(new, is_active=is_active))
    assert (ring.versions, ring.active) == ((2, 5, 6), active)
    fresh = KeyRing("register", {6: new}, 6).derive("x")
    assert subkeys(ring) == {**before, 6: fresh}


def test_a_version_is_activated_and_another_one_taken_out(path: Path) -> None:
    write(path, document(entry(1, KEY), entry(2, OTHER, False)))
    before = subkeys(KeyRing.read(path, "register"))
    ring = changed(path, lambda held: held.with_active(2))
    assert (ring.versions, ring.active) == ((1, 2), 2)
    ring = changed(path, lambda held: held.without(1))
    assert (ring.active, subkeys(ring)) == (2, {2: before[2]})


def test_a_retired_version_is_never_given_again(path: Path) -> None:
    """Rows of it may be left, and would be taken for rows of the new key."""
    write(path, document(entry(1, KEY), entry(2, OTHER, False)))
    changed(path, lambda held: held.without(2))
    ring = changed(path, lambda held: held.with_new_key(OTHER, is_active=True))
    assert ring.versions == (1, 3)
    changed(path, lambda held: held.without(1))
    assert json.loads(path.read_bytes())["retired"] == [1, 2]


def test_what_a_ring_says_beside_the_keys_outlives_a_change(path: Path) -> None:
    write(path, {**document(entry(note="coffre 3")), "note": "faite le 1er mars"})
    changed(path, lambda held: held.with_new_key(OTHER, is_active=True))
    kept = json.loads(path.read_bytes())
    assert kept["note"] == "faite le 1er mars"
    assert kept["keys"][0]["note"] == "coffre 3"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda held: held.without(1), "version 1 of the register key ring is active"),
        (lambda held: held.without(3), "has no version 3"),
        (lambda held: held.with_active(3), "has no version 3"),
        (lambda held: held.with_new_key(KEY, is_active=True), "of version 3 twice"),
        (lambda held: held.with_new_key(KEY[:31], is_active=True), "31 bytes"),
    ],
)
def test_a_change_that_cannot_be_leaves_the_ring(
    path: Path, change: Callable[[HeldRing], bytes], why: str
) -> None:
    write(path, document(entry(1, KEY), entry(2, OTHER, False)))
    before = path.read_bytes()
    with pytest.raises(KeyRingError, match=why):
        changed(path, change)
    assert path.read_bytes() == before


def test_after_the_last_version_there_is_none(path: Path) -> None:
    write(path, document(entry(32767)))
    with pytest.raises(KeyRingError, match="32767, which is the last"):
        changed(path, lambda held: held.with_new_key(OTHER, is_active=True))


@pytest.mark.parametrize("retired", ["1", [1.5], [True], {"1": 1}, 7])
def test_a_list_of_retired_versions_that_is_none_is_refused(
    path: Path, retired: Any
) -> None:
    write(path, {**document(entry()), "retired": retired})
    with pytest.raises(KeyRingError, match='"retired" that is no list'):
        changed(path, lambda held: held.with_active(1))


def test_two_changes_at_once_are_refused(path: Path) -> None:
    write(path, document(entry()))
    other = pytest.raises(KeyRingError, match="another command changes")
    with held(path, "register"), other:
        changed(path, lambda held: held.with_active(1))
    changed(path, lambda held: held.with_active(1))


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_changed_ring_keeps_its_mode_and_leaves_nothing_behind(
    path: Path, mode: int
) -> None:
    write(path, document(entry()), mode)
    # What a command that was killed left.
    (path.parent / f".{path.name}.new").write_text("half a ring")
    inode = path.stat().st_ino
    changed(path, lambda held: held.with_new_key(OTHER, is_active=True))
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.stat().st_ino != inode, "replaced at once, never written into"
    assert list(path.parent.iterdir()) == [path]


@AS_ROOT
def test_a_changed_ring_keeps_its_owner(path: Path) -> None:
    write(path, document(entry()))
    os.chown(path, 4242, 4243)
    changed(path, lambda held: held.with_new_key(OTHER, is_active=True))
    assert (path.stat().st_uid, path.stat().st_gid) == (4242, 4243)


def test_a_link_is_not_replaced_and_says_what_to_do(path: Path) -> None:
    secret = write(path.parent / "secret", document(entry()))
    path.symlink_to(secret)
    with pytest.raises(KeyRingError, match=r"\(it is a link\) .* --out FILE"):
        changed(path, lambda held: held.with_new_key(OTHER, is_active=True))
    assert path.is_symlink()
    assert KeyRing.read(path, "register").versions == (1,)


@AS_ROOT
def test_a_ring_that_is_mounted_is_not_replaced_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    """A file that is mounted alone, as Docker does, and a folder that may only be read,
    as systemd's."""
    write(tmp_path / "secret.json", document(entry()), 0o400)
    script = f"""
set -e
mkdir {tmp_path}/docker {tmp_path}/systemd
touch {tmp_path}/docker/ring.json
mount --bind {tmp_path}/secret.json {tmp_path}/docker/ring.json
mount -t tmpfs -o mode=0700 none {tmp_path}/systemd
cp -p {tmp_path}/secret.json {tmp_path}/systemd/ring.json
mount -o remount,ro {tmp_path}/systemd
export HISTOVET_REGISTER_KEYS
unset DATABASE_URL HISTOVET_SITE_KEYS
for kind in docker systemd; do
    HISTOVET_REGISTER_KEYS={tmp_path}/$kind/ring.json
    {sys.executable} -m pseudonymizer keys rotate register 2>&1 || echo "code $?"
    {sys.executable} -m pseudonymizer keys rotate register --out {tmp_path}/$kind.json
    {sys.executable} -m pseudonymizer keys list register
    ls -A {tmp_path}/$kind
done
"""
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in ended.stderr or "permission denied" in ended.stderr:
        pytest.skip("nothing may be mounted here")
    assert ended.returncode == 0, ended.stderr
    for kind, why in (
        ("docker", "Device or resource busy"),
        ("systemd", "Read-only file system"),
    ):
        assert f"{kind}/ring.json cannot be replaced ({why})" in ended.stdout
        ring = KeyRing.read(tmp_path / f"{kind}.json", "register")
        assert (ring.versions, ring.active) == ((1, 2), 2)
    assert ended.stdout.count("with --out FILE") == ended.stdout.count("code 3") == 2
    assert ended.stdout.count("(mode 0400)\n  version 1  active") == 2
    # Nothing of a key is left where the ring could not be replaced.
    assert ended.stdout.count("\nring.json\n") == 2
    assert ".new" not in ended.stdout


def test_no_space_leaves_the_ring_as_it_was(path: Path) -> None:
    write(path, document(entry()))
    before = path.read_bytes()
    limited = (
        "import resource, signal, sys\n"
        "from pseudonymizer.__main__ import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "sys.exit(main(['keys', 'rotate', 'register']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited],
        env={**os.environ, "HISTOVET_REGISTER_KEYS": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3
    assert "(File too large) and is as it was" in ended.stderr
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_check_value_is_four_bytes_of_its_own_key() -> None:
    ring = KeyRing("register", {1: KEY, 3: OTHER}, 3)
    values = [ring.check_value(version) for version in (1, 3)]
    assert [len(value) for value in values] == [4, 4]
    assert values[0] != values[1]
    assert KeyRing("site", {1: KEY}, 1).check_value(1) != values[0]
    with pytest.raises(KeyRingError, match="no version 2"):
        ring.check_value(2)
