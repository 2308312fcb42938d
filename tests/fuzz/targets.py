"""What is read from outside, and from a database that others may have written, as
functions of bytes: each tells what became of them, and raises for a defect alone."""

import datetime as dt
import functools
import gzip
import json
import random
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from histovet.sharing import codes
from pseudonymizer import codec
from pseudonymizer.envelope import (
    AnswerKeys,
    KeyRing,
    LinkKeys,
    SiteSeal,
    check_release,
    identity_bytes,
    identity_of,
    link_id,
    release_mac,
)
from pseudonymizer.errors import EnvelopeError, PseudonymizerError
from pseudonymizer.feed import FeedReader, measure
from pseudonymizer.layout import Content, content_of, line_reader, removal_reader
from pseudonymizer.manifest import read_feed
from pseudonymizer.manifest_signature import (
    check_signature,
    read_public_keys,
    sign,
    signature_path,
)
from pseudonymizer.records import (
    Capsule,
    HolderProof,
    Identity,
    Inspection,
    Inspections,
    LinkTerms,
    Record,
    Register,
    Release,
    SealedRow,
)
from pseudonymizer.seal import Sealer
from tests import vehicles
from tests.facts import FACTS

Target = Callable[[bytes], str]

ACCEPTED = "accepted"

# A line as bytes: a byte that chooses the layout, then the cells in this order, on a
# line each.
_CELLS = (
    "v", "plaq_immat", "numero_formule", "pers_raison_soc_tit", "pers_siren_tit",
    "pers_nom_naissance_tit", "pers_prenom_tit", "utac_ask_ct", "vin",
)  # fmt: skip
_INSPECTION_CELLS = (
    "controles_techniques", "plaq_immat", "numero_formule", "date_mise_a_jour",
)  # fmt: skip
_HEADERS = [
    [column.replace("numero_formule", proof) for column in columns]
    for columns in (_CELLS, _CELLS[:-1], _INSPECTION_CELLS)
    for proof in ("numero_formule", "date_emission_CI")
]

_DAY = dt.date(2022, 6, 1)
_IDENTITY = Identity(Register.SIV, "AA123AA", "2015AB12345")
_ENCODED = identity_bytes(_IDENTITY)
_SECRET = bytes(range(16))
_TERMS = LinkTerms(link_id(_SECRET), 1, 1, 1_650_000_000, 1_660_000_000, 0, None)


def _ring(purpose: str) -> tuple[KeyRing, bytes]:
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    entries = [{"version": 1, "key": key, "active": True}]
    document = json.dumps({"purpose": purpose, "keys": entries}).encode()
    return KeyRing.parse(document, purpose, "a ring"), document


_REGISTER, _RING_DOCUMENT = _ring("register")
_SITE, _ = _ring("site")


@functools.cache
def _release() -> Release:
    row = Release(1, UUID(int=7, version=4), "essai", _DAY, 1, *[bytes(32)] * 3)
    return msgspec.structs.replace(row, mac=release_mac(_REGISTER, row))


@functools.cache
def _sealer() -> Sealer:
    return Sealer(_REGISTER, _release())


@functools.cache
def _folder() -> Path:
    """A folder of this process, on memory where there is one."""
    memory = Path("/dev/shm")
    made = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
    _open_folders.append(made)
    return Path(made.name)


_open_folders: list[tempfile.TemporaryDirectory[str]] = []


# The reader


def gzip_file(data: bytes) -> str:
    """A delivered file of these bytes."""
    return _read_file(data)


def csv_file(data: bytes) -> str:
    """A delivered file that holds this text."""
    return _read_file(gzip.compress(data, compresslevel=0, mtime=0))


def _read_file(content: bytes) -> str:
    path = _folder() / "file.csv.gz"
    path.write_bytes(content)
    lines = accepted = 0
    with FeedReader(path) as reader:
        is_removal = content_of(reader.header) is Content.REMOVALS
        read = (removal_reader if is_removal else line_reader)(reader.header)
        for batch in reader:
            assert batch.lines == len(batch.rows) + len(batch.rejects)
            assert len(batch.numbers) == len(batch.rows)
            lines += batch.lines
            for row in batch.rows:
                told = _removed if is_removal else _sealed_and_opened
                accepted += told(read, row) == ACCEPTED
    assert measure(path, lambda lines, read: None).lines == lines
    return ACCEPTED if accepted else "no line accepted"


def _removed(read: Callable, row: list[str]) -> str:
    try:
        named = read(row)
    except PseudonymizerError as exc:
        return str(exc)
    assert identity_of(identity_bytes(named)) == named
    return ACCEPTED


def line(data: bytes) -> str:
    """One line of a file: what is read of it opens to itself."""
    header = _HEADERS[data[0] % len(_HEADERS)] if data else _HEADERS[0]
    cells = data[1:].decode(errors="ignore").split("\n")
    cells += [""] * len(header)
    return _sealed_and_opened(_reader(tuple(header)), cells[: len(header)])


def one_line(columns: dict[str, str]) -> str:
    """One line by column, as the reader of its file hands it on."""
    return _sealed_and_opened(_reader(tuple(columns)), list(columns.values()))


@functools.cache
def _reader(header: tuple[str, ...]) -> Callable:
    return line_reader(list(header))


def _sealed_and_opened(read: Callable, row: list[str]) -> str:
    try:
        registration = read(row)
        sealed = _sealer().seal(registration)
    except PseudonymizerError as exc:
        return str(exc)
    assert _sealer().opens_as(registration, sealed)
    return ACCEPTED


def manifest(data: bytes) -> str:
    path = _folder() / "manifest.json"
    path.write_bytes(data)
    (_folder() / "file.csv.gz").write_bytes(b"x")
    read_feed(_folder(), path)
    return ACCEPTED


def signature(data: bytes) -> str:
    """The signature beside a manifest."""
    manifest_path, keys, right = _signed()
    signature_path(manifest_path).write_bytes(data)
    check_signature(_SIGNED, manifest_path, keys)
    assert data == right
    return ACCEPTED


def public_keys(data: bytes) -> str:
    """The file of those whose signatures are accepted."""
    path = _folder() / "public.pem"
    path.write_bytes(data)
    assert read_public_keys(path)
    return ACCEPTED


# What opens


def sealed_row(data: bytes) -> str:
    """Sealed bytes of the database, under the right identity and release."""
    row = _sealed_seed()
    content = _sealer()._keys.open(
        _ENCODED, SealedRow(row.record_id, row.generation, data)
    )
    assert data == row.sealed
    codec.decode(*content)
    return ACCEPTED


def row_place(data: bytes) -> str:
    """The right sealed bytes, in a row with another id and generation."""
    row = _sealed_seed()
    generation = int.from_bytes(data[16:22], "big", signed=True)
    other = SealedRow(data[:16], generation, row.sealed)
    _sealer()._keys.open(_ENCODED, other)
    assert other == row
    return ACCEPTED


def release_row(data: bytes) -> str:
    """The row of a release, as somebody may have changed it."""
    version, edition, size = struct.unpack(">hqB", data[:11].ljust(11, b"\0"))
    rest = data[11:]
    row = msgspec.structs.replace(
        _release(),
        key_version=version,
        edition=edition,
        delta_sha256=rest[:size] or None,
        salt=rest[size : 2 * size],
        label=rest[2 * size :].decode(errors="replace"),
    )
    check_release(_REGISTER, row)
    raise AssertionError("a row opens that nobody has sealed")


def content(data: bytes) -> str:
    """What sealed bytes open to, by who has the key: number of the dictionary, then
    the padded content."""
    decoded = 0
    for decode in (codec.decode, codec.decode_inspections):
        try:
            decode(data[0] if data else 0, data[1:])
            decoded += 1
        except EnvelopeError:
            continue
    assert decoded < 2
    return ACCEPTED if decoded else "refused"


def frame(data: bytes) -> str:
    """A Zstandard frame in content that is padded as it should be."""
    return content(bytes((codec.DICTIONARY,)) + codec.pad(data[:65_535]))


def packed(data: bytes) -> str:
    """The MessagePack of a record or of inspections, of either layout."""
    opened = 0
    for unpack in (codec.unpack, codec.unpack_inspections):
        try:
            unpack(data)
            opened += 1
        except EnvelopeError:
            continue
    assert opened < 2
    return ACCEPTED if opened else "refused"


def cookie(data: bytes) -> str:
    """A small value of the site; also one that was sealed with this content."""
    seal = _site_seal()
    again = seal.seal(data, expires_at=2, random=bytes)
    assert seal.open(again, now=1) == data
    seal.open(data, now=1)
    assert data == _cookie_seed()
    return ACCEPTED


def capsule(data: bytes) -> str:
    """A link's capsule; also one that was sealed with this content."""
    try:
        _link_keys().open_capsule(_SECRET, _TERMS, data)
    except EnvelopeError:
        return _terms(data)
    assert data == _capsule_seed()
    return ACCEPTED


def _terms(data: bytes) -> str:
    """The right capsule, beside terms of these numbers."""
    numbers = struct.unpack(">hhqqhq", data[:30].ljust(30, b"\0"))
    key, holder_key, created, expires, scope, openings = numbers
    other = LinkTerms(data[:12], key, holder_key, created, expires, scope, openings)
    _link_keys().open_capsule(_SECRET, other, _capsule_seed())
    raise AssertionError("a capsule opens under other terms")


def answer(data: bytes) -> str:
    """The kept answer of another source."""
    _answer_keys().open(_ENCODED, data, expires_at=7)
    assert data == _answer_seed()
    return ACCEPTED


def identity(data: bytes) -> str:
    assert identity_bytes(identity_of(data)) == data
    return ACCEPTED


def key_ring(data: bytes) -> str:
    KeyRing.parse(data, "register", "a ring")
    return ACCEPTED


def code(data: bytes) -> str:
    """What somebody typed for a code, of either kind."""
    text = data.decode(errors="surrogateescape")
    found = 0
    for kind in codes.Kind:
        try:
            secret = codes.decode(text, kind)
        except codes.Unreadable:
            continue
        found += 1
        assert codes.decode(codes.encode(secret, kind), kind) == secret
    assert found < 2
    return ACCEPTED if found else "refused"


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        gzip_file, csv_file, line, manifest, signature, public_keys, sealed_row, row_place, release_row, content, frame,
        packed, cookie, capsule, answer, identity, key_ring, code,
    )
}  # fmt: skip


def _planted_error(data: bytes) -> str:
    # Nobody guesses it at once: each step is seen as coverage.
    for place, letter in enumerate(b"bug"):
        if data[place : place + 1] != bytes((letter,)):
            return ACCEPTED
    return {}[data]


def _planted_hang(data: bytes) -> str:
    while data[:1] == b"h":
        pass
    return ACCEPTED


def _planted_memory(data: bytes) -> str:
    if data[:1] == b"m":
        bytearray(2**30)[:] = b"\x01" * 2**30
    return ACCEPTED


# Defects that a search has to find, or what it says of the others is worth nothing.
PLANTED: dict[str, Target] = {
    "planted_error": _planted_error,
    "planted_hang": _planted_hang,
    "planted_memory": _planted_memory,
}


def outcome(name: str, data: bytes) -> str:
    """Return what became of the bytes; anything but our own errors is a defect."""
    try:
        return (TARGETS.get(name) or PLANTED[name])(data)
    except PseudonymizerError as exc:
        # Fit for an operator: text that says nothing would be no error of ours.
        assert str(exc)
        return getattr(exc, "code", type(exc).__name__)


# What they begin with

_SIGNED = b"a manifest"


@functools.cache
def _signed() -> tuple[Path, Path, bytes]:
    """Return where a manifest is said to be, the public keys, and its signature."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    key, keys = _folder() / "key.pem", _folder() / "keys.pem"
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    public = private.public_key()
    keys.write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return _folder() / "signed.json", keys, sign(_SIGNED, key)


@functools.cache
def _site_seal() -> SiteSeal:
    return SiteSeal(_SITE, "seller cookie")


@functools.cache
def _link_keys() -> LinkKeys:
    return LinkKeys(_SITE)


@functools.cache
def _answer_keys() -> AnswerKeys:
    return AnswerKeys(_REGISTER, _release())


def _cookie_seed() -> bytes:
    return _site_seal().seal(_ENCODED, expires_at=9, random=bytes)


@functools.cache
def _capsule_seed() -> bytes:
    content = Capsule(_IDENTITY, bytes(8))
    return _link_keys().seal_capsule(_SECRET, _TERMS, content, random=bytes)


@functools.cache
def _answer_seed() -> bytes:
    return _answer_keys().seal(_ENCODED, bytes(256), expires_at=7, random=bytes)


@functools.cache
def _record() -> tuple[Record, HolderProof]:
    row = [_full_line()[cell] for cell in _CELLS[:-1]]
    registration = line_reader(_HEADERS[2])(row)
    return registration.record, _sealer().proof(registration)


@functools.cache
def _sealed_seed() -> SealedRow:
    keys = _sealer()._keys
    return keys.seal(_ENCODED, codec.encode(*_record()), codec.DICTIONARY, random=bytes)


def _full_line() -> dict[str, str]:
    return vehicles.siv_line(FACTS, pers_nom_naissance_tit="DE LA TOUR NEE ŒUVRE")


def _inspections() -> list[dict]:
    return [
        vehicles.inspection("2019-03-02", 81_000),
        vehicles.inspection("02/03/2021", "99000", nature="CV", result="S"),
    ]


def _line_seeds() -> Iterator[bytes]:
    full, company = _full_line(), {"pers_raison_soc_tit": "SARL ESSAI & FILS"}
    lines = [full, full | company | {"pers_siren_tit": "732829320"}]
    lines += [full | {"v": json.dumps({"annulation_ci": "OUI"})}]
    for number in (0, 2):
        for one in lines:
            cells = (one.get(cell, "") for cell in _CELLS[: 9 - number // 2])
            yield bytes((number,)) + "\n".join(cells).encode()
    fni = vehicles.fni_line(FACTS, pers_nom_naissance_tit="DUPONT ET MARTIN / O'HARA")
    fni["numero_formule"] = fni["date_emission_CI"]
    yield b"\x03" + "\n".join(fni[cell] for cell in _CELLS[:-1]).encode()
    inspected = vehicles.inspections_line(*_inspections())
    yield b"\x04" + "\n".join(inspected[cell] for cell in _INSPECTION_CELLS).encode()


def _text_seeds() -> Iterator[bytes]:
    for lines in (
        [_full_line(), vehicles.siv_line()],
        [vehicles.fni_line(FACTS), vehicles.fni_line(v="[]")],
        [vehicles.inspections_line(*_inspections())],
    ):
        texts = [vehicles.csv_line(lines[0])]
        texts += [vehicles.csv_line(one.values()) for one in lines]
        yield "".join(text + "\n" for text in texts).encode()


@functools.cache
def packs() -> list[bytes]:
    """Return a record and inspections, packed."""
    listed = tuple(Inspection(_DAY, "VTP", "A", km) for km in (None, 81_000))
    inspections = codec.pack_inspections(Inspections(listed, _DAY))
    return [codec.pack(*_record()), inspections]


def seeds(name: str) -> list[bytes]:
    """Return inputs of a target that are as they should be, and the hostile ones of
    hand; no vehicle in them exists."""
    texts = list(_text_seeds())
    texts.append(b"plaq_immat;date_emission_CI\n123 ABC 75;06/03/2008\n")
    sealed = _sealed_seed()
    contents = [codec.pad(codec._zstandard.compressor.compress(one)) for one in packs()]
    files = [{"name": "file.csv.gz", "size": 1, "sha256": "0" * 64, "lines": 1}]
    document = {"format": 1, "label": "essai", "as_of": "2022-06-01", "kind": "full"}
    of_its_own = {
        "gzip_file": [gzip.compress(text, mtime=0) for text in texts]
        + [gzip.compress(bytes(100_000)), gzip.compress(b"\n" * 100_000)],
        "csv_file": texts,
        "line": list(_line_seeds()),
        "manifest": [json.dumps(document | {"files": files}).encode()],
        "signature": [_signed()[2]],
        "public_keys": [_signed()[1].read_bytes(), _signed()[1].read_bytes() * 2],
        "sealed_row": [sealed.sealed],
        "release_row": [struct.pack(">hqB", 1, 1, 32) + bytes(64) + b"essai"],
        "row_place": [sealed.record_id + bytes(6)],
        "content": [bytes((codec.DICTIONARY,)) + one for one in contents],
        "frame": [codec.unpad(one) for one in contents] + list(frames()),
        "packed": packs(),
        "cookie": [_cookie_seed()],
        "capsule": [_capsule_seed()],
        "answer": [_answer_seed()],
        "identity": [_ENCODED, identity_bytes(Identity(Register.FNI, "1A75", "2008"))],
        "key_ring": [_RING_DOCUMENT],
        "code": [
            codes.grouped(codes.encode(_SECRET, kind)).encode() for kind in (1, 2)
        ],
    }
    return of_its_own.get(name, [b"seed"])


def frames() -> Iterator[bytes]:
    """Frames, without their magic number, that say that they hold more than they may,
    or more or less than they do."""
    for claimed in (0, 2**16, 2**16 + 256, 2**32 - 1, 2**40, 2**63):
        # One segment, content size of 8 bytes; then a run of 128 KiB of one byte.
        yield b"\xe0" + claimed.to_bytes(8, "little") + b"\x03\x00\x10\x00"


# Words in which a reader of JSON, CSV, dates or numbers may stumble.
WORDS = (
    *(b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 400, b"0.1", b"null", b"true"),
    *(b"[" * 40, b'{"a":' * 20, b"\\ud800", b'"\\u0000"', b"\x00", b"\xff", b'"'),
    *(b'""', b";", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xc5\x93", b"\xe2\x80\x8b"),
    *(
        b"2012-02-30",
        b"0001-01-01T00:00:00Z",
        b"9999-12-31T23:59:59.999Z",
        b"00/00/0000",
    ),
    *(b"OUI", b"NON", b" ET ", b" NEE ", b"historique", b"sit_adm", b"opposition"),
    *(b"\xc1", b"\xdf" + b"\xff" * 4, b"\xc6\xff\xff\xff\xff", b"\xd3" + b"\x80" * 8),
)


def mutated(starts: list[bytes], rng: random.Random) -> bytes:
    """Return one of the inputs with one to five changes: of a byte, a run, a word, or a
    piece of another."""
    data = bytearray(rng.choice(starts))
    for _ in range(rng.randint(1, 5)):
        at = rng.randint(0, len(data))
        end = min(len(data), at + rng.choice((1, 1, 4, 32, 400)))
        match rng.randrange(6):
            case 0 if data:
                data[at - 1] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end] * rng.choice((1, 2, 50))
            case 3:
                data[at:end] = rng.choice(WORDS)
            case 4:
                data[at:end] = rng.randbytes(end - at)
            case _:
                other = rng.choice(starts)
                start = rng.randint(0, len(other))
                data[at:end] = other[start : start + rng.choice((1, 8, 100))]
    return bytes(data)


def write_corpus(name: str, folder: Path, further: Iterable[bytes] = ()) -> None:
    folder.mkdir(parents=True)
    for number, data in enumerate([*seeds(name), *further]):
        (folder / str(number)).write_bytes(data)


def write_words(path: Path) -> None:
    """Write the words as libFuzzer's dictionary."""
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
    path.write_text("".join(f'"{word}"\n' for word in escaped), encoding="ascii")
