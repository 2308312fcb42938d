"""A secret of 16 bytes ↔ the 27 characters that stand in a link or are typed.

Source: SPEC.md section 11.
"""

from __future__ import annotations

import base64
import enum
import re

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
LENGTH = 27

# People group letters with spaces, hyphens and full stops of every kind.
_SEPARATORS = re.compile(r"[\W_]+")
# Digits that no code has.
_MISREAD = str.maketrans("018", "OIB")


class Kind(enum.IntEnum):
    """Whose secret: a code of one kind is none of the other. The start of the check."""

    LINK = 1
    OWNER = 2


class Unreadable(Exception):
    """The text is no code of this kind: cut off, or mistyped."""


def encode(secret: bytes, kind: Kind) -> str:
    body = base64.b32encode(secret).decode("ascii").rstrip("=")
    return body + _check(body, kind)


def decode(text: str, kind: Kind) -> bytes:
    """Return the secret, whatever case and separators it was typed with.

    Raises Unreadable.
    """
    typed = _SEPARATORS.sub("", text).upper().translate(_MISREAD)
    if len(typed) != LENGTH or not _VALUES.keys() >= set(typed):
        raise Unreadable
    body = typed[:-1]
    if _check(body, kind) != typed[-1]:
        raise Unreadable
    secret = base64.b32decode(body + "======")
    # The last letter holds two bits more than the secret: they are zero, or two codes
    # would be one secret.
    if encode(secret, kind) != typed:
        raise Unreadable
    return secret


def grouped(code: str) -> str:
    """Return the code as it is shown to be typed: nine groups of three."""
    return "-".join(code[at : at + 3] for at in range(0, len(code), 3))


def _check(body: str, kind: Kind) -> str:
    # A sum in GF(32) whose weights are powers of x, all different for 27 characters.
    sum_ = int(kind)
    for letter in body:
        sum_ = (sum_ ^ _VALUES[letter]) << 1
        if sum_ & 0b100000:
            sum_ ^= 0b100101
    return _ALPHABET[sum_]
