"""Key rings: the keys of one purpose, and the file that holds them.

Source: SPEC.md section 4.
"""

from __future__ import annotations

import base64
import fcntl
import hmac
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pseudonymizer.errors import KeyRingError

KEY_BYTES = 32
CHECK_VALUE_BYTES = 4
VERSION_MAX = 2**15 - 1


class KeyRing:
    """Versioned 32-byte keys for one purpose; exactly one version is active."""

    def __init__(
        self,
        purpose: str,
        keys: dict[int, bytes],
        active: int,
        retired: Sequence[int] = (),
    ) -> None:
        self.purpose = purpose
        self._keys = keys
        self.active = active
        self.retired = retired

    def __repr__(self) -> str:
        return f"<KeyRing {self.purpose} versions {self.versions}>"

    @property
    def versions(self) -> tuple[int, ...]:
        return tuple(sorted(self._keys))

    def derive(
        self,
        label: str,
        *,
        version: int | None = None,
        salt: bytes = b"",
        length: int = KEY_BYTES,
    ) -> bytes:
        """Return the subkey for one use; every use has its own label.

        Raises KeyRingError when the ring has no such version.
        Source: SPEC.md section 4.
        """
        chosen = self.active if version is None else version
        try:
            key = self._keys[chosen]
        except KeyError:
            raise KeyRingError(
                f"the {self.purpose} key ring has no version {chosen}; put the ring "
                "that made this data back in place"
            ) from None
        info = f"histovet/v1/{self.purpose}/{label}".encode("ascii")
        return HKDF(SHA256(), length, salt or None, info).derive(key)

    def check_value(self, version: int) -> bytes:
        """Return the 4 bytes by which people tell two keys apart; they give nothing of
        the key.

        Raises KeyRingError when the ring has no such version. Source: SPEC.md section 4.
        """
        return self.derive("key check", version=version, length=CHECK_VALUE_BYTES)

    def shares_a_key_with(self, other: KeyRing) -> bool:
        mine = self._keys.values()
        return any(
            hmac.compare_digest(a, b) for a in mine for b in other._keys.values()
        )

    @classmethod
    def read(cls, path: Path, purpose: str) -> KeyRing:
        """Return the ring in the file, having refused every unsafe one.

        Raises KeyRingError naming the file and what to do. Source: SPEC.md section 4.
        """
        return cls.parse(_content_of(path, purpose), purpose, str(path))

    @classmethod
    def parse(cls, content: bytes, purpose: str, name: str) -> KeyRing:
        """Return the ring in `content`; `name` stands in the errors."""

        def refused(why: str) -> KeyRingError:
            return KeyRingError(f"the {purpose} key ring {name} {why}")

        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as exc:
            raise refused("is not JSON") from exc
        if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
            raise refused('has no list "keys"')
        if document.get("purpose") != purpose:
            raise refused(f'must say "purpose": "{purpose}"; another ring was given')
        is_part = document.get("is_part") is True
        subkeys: dict[int, dict[str, bytes]] = {}
        keys: dict[int, bytes] = {}
        active = []
        for entry in document["keys"]:
            if not isinstance(entry, dict):
                raise refused('has an entry in "keys" that is no object')
            version = entry.get("version")
            # A bool is an int to Python and would pass for version 1.
            if type(version) is not int or not 1 <= version <= VERSION_MAX:
                raise refused("has a key without a version from 1 to 32767")
            if version in keys or version in subkeys:
                raise refused(f"has version {version} twice")
            if entry.get("active") is True:
                active.append(version)
            if is_part:
                subkeys[version] = _subkeys(entry, version, refused)
                continue
            try:
                key = base64.b64decode(str(entry.get("key")), validate=True)
            except ValueError as exc:
                raise refused(f"has no base64 key in version {version}") from exc
            if len(key) != KEY_BYTES:
                raise refused(
                    f"has a key of {len(key)} bytes in version {version}, not 32"
                )
            # 32 random bytes hold about 30 different values; 16 would be a pattern.
            if len(set(key)) < 16:
                raise refused(f"has a key in version {version} that is not random")
            if key in keys.values():
                raise refused(f"has the key of version {version} twice")
            keys[version] = key
        if len(active) != 1:
            raise refused(f"must have one active key and has {len(active)}")
        if is_part:
            return PartOfRing(purpose, subkeys, active[0])
        retired = document.get("retired", [])
        if not (
            isinstance(retired, list)
            and all(type(version) is int for version in retired)
        ):
            raise refused('has a member "retired" that is no list of versions')
        return cls(purpose, keys, active[0], retired)


class PartOfRing(KeyRing):
    """The subkeys of a few uses, for a process that must not have those of the others:
    no subkey gives another one, or the key that it was derived from."""

    def __init__(
        self, purpose: str, subkeys: dict[int, dict[str, bytes]], active: int
    ) -> None:
        super().__init__(purpose, {}, active)
        self._subkeys = subkeys

    @property
    def versions(self) -> tuple[int, ...]:
        return tuple(sorted(self._subkeys))

    def derive(
        self,
        label: str,
        *,
        version: int | None = None,
        salt: bytes = b"",
        length: int = KEY_BYTES,
    ) -> bytes:
        """Return the subkey, which has 32 bytes and no salt.

        Raises KeyRingError when the part has no such version or no such use.
        """
        chosen = self.active if version is None else version
        subkey = self._subkeys.get(chosen, {}).get(label)
        if subkey is None or salt or length != KEY_BYTES:
            raise KeyRingError(
                f"this part of the {self.purpose} key ring has no subkey {label!r} of "
                f"version {chosen}; make it anew from the whole ring"
            )
        return subkey


def _subkeys(
    entry: dict[str, Any], version: int, refused: Callable[[str], KeyRingError]
) -> dict[str, bytes]:
    """Raises what `refused` makes."""
    listed = entry.get("subkeys")
    if not isinstance(listed, dict) or not listed:
        raise refused(f"has no subkeys in version {version}")
    found = {}
    for label, text in listed.items():
        try:
            found[label] = base64.b64decode(str(text), validate=True)
        except ValueError as exc:
            raise refused(f"has no base64 subkey in version {version}") from exc
        if len(found[label]) != KEY_BYTES:
            raise refused(f"has a subkey in version {version} that has not 32 bytes")
    return found


def _content_of(path: Path, purpose: str) -> bytes:
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except OSError as exc:
        advice = "make one with: python -m pseudonymizer keys init"
        if isinstance(exc, PermissionError):
            # Who cannot read it is not to replace it.
            advice = (
                "whoever runs this has to own it, or systemd to hand it over "
                "(docs/operations.md, Where a ring lies)"
            )
        raise KeyRingError(
            f"the {purpose} key ring {path} cannot be read ({exc.strerror}); {advice}"
        ) from exc
    if not is_private(status):
        raise KeyRingError(
            f"the {purpose} key ring {path} may be read by others; "
            f"run: chmod 600 {path}, or give a secret of Docker the mode 0400 and "
            "the uid of its reader"
        )
    return content


def is_private(status: os.stat_result) -> bool:
    """Tell whether the owner alone may use the file; of root's, a group may read.

    systemd gives a service its credential by an ACL on a file of root, of mode 0400: the
    mask of the ACL shows as what the group may do.
    """
    allowed = 0o740 if status.st_uid == 0 else 0o700
    return not stat.S_IMODE(status.st_mode) & ~allowed & 0o777


def write_new_ring(path: Path, purpose: str, key: bytes) -> None:
    """Write a ring with one active key, mode 0600, and never over another file.

    Raises KeyRingError when the file exists or cannot be written.
    """
    document = {"purpose": purpose, "keys": [_entry(1, key, is_active=True)]}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise KeyRingError(f"{path.parent} cannot be made ({exc.strerror})") from exc
    _write_new(path, _encoded(document))


def write_part(path: Path, ring: KeyRing, labels: Iterable[str]) -> None:
    """Write, or replace, the file of the subkeys for these uses, mode 0600.

    Raises KeyRingError when it cannot be written; the file is then as it was.
    """
    uses = list(labels)
    entries = [
        {
            "version": version,
            "active": version == ring.active,
            "subkeys": {
                label: base64.b64encode(ring.derive(label, version=version)).decode()
                for label in uses
            },
        }
        for version in ring.versions
    ]
    content = _encoded({"purpose": ring.purpose, "is_part": True, "keys": entries})
    try:
        if path.is_symlink():
            raise OSError(0, "it is a link")
        if path.exists():
            _replace(path, content)
        else:
            _write_durably(path, content, lambda handle: None)
    except OSError as exc:
        raise KeyRingError(f"{path} cannot be written ({exc.strerror})") from exc


class HeldRing:
    """A ring whose file nobody else changes meanwhile; its methods give the content of
    a file to be, in which all else that the file says is kept."""

    def __init__(self, path: Path, purpose: str) -> None:
        """Raises KeyRingError, as `KeyRing.read` does."""
        content = _content_of(path, purpose)
        self.path = path
        self.ring = KeyRing.parse(content, purpose, str(path))
        if isinstance(self.ring, PartOfRing):
            raise KeyRingError(f"{path} is a part of a ring; name the whole one")
        self._document: dict[str, Any] = json.loads(content)

    @property
    def next_version(self) -> int:
        """One that no key ever had: rows of a retired one may be left."""
        return max(*self.ring.versions, *self.ring.retired, 0) + 1

    def with_new_key(self, key: bytes, *, is_active: bool) -> bytes:
        """Raises KeyRingError when the ring has had all its versions."""
        if self.next_version > VERSION_MAX:
            raise KeyRingError(
                f"the {self.ring.purpose} key ring has a version {VERSION_MAX}, which "
                "is the last"
            )
        new = _entry(self.next_version, key, is_active=False)
        active = self.next_version if is_active else self.ring.active
        return self._content([*self._document["keys"], new], active, self.ring.retired)

    def with_active(self, version: int) -> bytes:
        """Raises KeyRingError when the ring has no such version."""
        self.require(version)
        return self._content(self._document["keys"], version, self.ring.retired)

    def without(self, version: int) -> bytes:
        """Raises KeyRingError when the ring has no such version, or it is active."""
        self.require(version)
        if version == self.ring.active:
            raise KeyRingError(
                f"version {version} of the {self.ring.purpose} key ring is active; "
                f"first run: python -m pseudonymizer keys rotate {self.ring.purpose}"
            )
        left = [k for k in self._document["keys"] if k["version"] != version]
        return self._content(left, self.ring.active, [*self.ring.retired, version])

    def require(self, version: int) -> None:
        if version not in self.ring.versions:
            raise KeyRingError(
                f"the {self.ring.purpose} key ring {self.path} has no version {version}"
            )

    def write(self, content: bytes, out: Path | None) -> None:
        """Put the content in the place of the file, or in a new file `out`.

        Raises KeyRingError; the file is then as it was.
        """
        if out is not None:
            _write_new(out, content)
            return
        try:
            # Renamed over, a link would be lost and what it names stay as it was.
            if self.path.is_symlink():
                raise OSError(0, "it is a link")
            _replace(self.path, content)
        except OSError as exc:
            raise KeyRingError(
                f"the {self.ring.purpose} key ring {self.path} cannot be replaced "
                f"({exc.strerror}) and is as it was; of a secret that systemd or Docker "
                "hands over, write the new ring with --out FILE, and make that the secret"
            ) from exc

    def _content(
        self, entries: list[dict[str, Any]], active: int, retired: Sequence[int]
    ) -> bytes:
        keys = [{**k, "active": k["version"] == active} for k in entries]
        changed = {**self._document, "keys": keys}
        if retired:
            changed["retired"] = sorted(retired)
        content = _encoded(changed)
        # What could not be read again would cost every key in it.
        KeyRing.parse(content, self.ring.purpose, str(self.path))
        return content


@contextmanager
def held(path: Path, purpose: str) -> Iterator[HeldRing]:
    """Hold the ring in the file for a change. Raises KeyRingError."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise KeyRingError(f"{path.parent} cannot be read ({exc.strerror})") from exc
    try:
        # Of the folder: the file that would carry the lock is replaced.
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise KeyRingError(
                f"another command changes a key ring in {path.parent}; wait for its end"
            ) from exc
        yield HeldRing(path, purpose)
    finally:
        os.close(folder)


def _entry(version: int, key: bytes, *, is_active: bool) -> dict[str, Any]:
    text = base64.b64encode(key).decode()
    return {"version": version, "key": text, "active": is_active}


def _encoded(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


def _write_new(path: Path, content: bytes) -> None:
    try:
        _write_durably(path, content, lambda handle: None)
    except FileExistsError as exc:
        raise KeyRingError(
            f"{path} exists and is kept: data sealed under it would be lost"
        ) from exc
    except OSError as exc:
        raise KeyRingError(f"{path} cannot be written ({exc.strerror})") from exc


def _replace(path: Path, content: bytes) -> None:
    """Replace a file at once, with its owner and mode kept. Raises OSError."""
    status = path.stat()
    new = path.with_name(f".{path.name}.new")

    def like_the_old(handle: int) -> None:
        os.fchown(handle, status.st_uid, status.st_gid)
        os.fchmod(handle, stat.S_IMODE(status.st_mode))

    # What a killed command left: nobody else is at it.
    new.unlink(missing_ok=True)
    _write_durably(new, content, like_the_old)
    try:
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    _make_durable(path.parent)


def _write_durably(path: Path, content: bytes, prepare: Callable[[int], None]) -> None:
    """Write a file that is not there, mode 0600, whole or not at all. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            prepare(handle)
            os.fsync(handle)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    _make_durable(path.parent)


def _make_durable(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
