"""Holder names → canonical holders, their fingerprints, and how typed names match.

Pure: the keyed bigram table and the tags come from envelope.py.
Source: SPEC.md section 3.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence

from pseudonymizer.normalise import (
    Remembered,
    company_name,
    folded_words,
    join_particles,
    name_words,
    visible,
    without_particles,
    words_of_name,
)
from pseudonymizer.records import (
    Fingerprint,
    Holder,
    HolderKind,
    Initials,
)

WORD_BYTES = 16
COMPANY_BYTES = 32
HOLDERS_MAX = 2
WORDS_MAX = 6

# Dice coefficients; how they were chosen, with the rates: docs/matching.md.
FAMILY_AT_LEAST = 0.62
GIVEN_AT_LEAST = 0.58
FIRST_WORD_AT_LEAST = 0.66
OTHER_WORD_AT_LEAST = 0.60
WHOLE_AT_LEAST = 0.85
COMPANY_AT_LEAST = 0.80
COMPANY_WITH_SIREN_AT_LEAST = 0.50
# So short a name has too few bigrams for a likeness to mean anything.
EXACT_UP_TO_LETTERS = 4

# Tried in front of a family name typed without its particle; then exact alone counts.
_PREFIXES = ("DE", "DU", "DELA", "D", "LE", "LA", "DES", "DA", "DOS", "EL", "BEN")

_CO_HOLDERS = re.compile(r"\s+(?:ET|OU|&)\s+|\s*/\s*|\s+-\s+|\.-\s*", re.IGNORECASE)
_BIRTH_NAME = re.compile(r"\s+N[EÉ]E?\s+", re.IGNORECASE)
# Where neither these signs nor these folded words are, neither of the two finds any.
_SEVERAL_SIGNS = "/&-"
_SEVERAL_WORDS = frozenset(("ET", "OU", "NE", "NEE"))


def person(
    family_name: str,
    given_names: str,
    words_of: Callable[[str], tuple[str, ...]] = name_words,
) -> tuple[Holder, ...]:
    """Return the holders in the two fields of a SIV certificate; the job's `words_of`
    remembers those of before.

    Empty when nothing in them is a letter. Without given names and with several
    words, the one field is read like that of FNI: it holds them all.
    """
    given = join_particles(words_of(given_names))
    if "OU" in given:
        given = tuple(w for w in given if w != "OU")
    family = words_of(family_name)
    if not family:
        return single_field(given_names)
    if not given and len(join_particles(family)) > 1:
        return single_field(family_name)
    return (Holder(HolderKind.PERSON, "".join(family[:WORDS_MAX]), given[:WORDS_MAX]),)


def single_field(names: str) -> tuple[Holder, ...]:
    """Return the holders in the one field of an FNI certificate; empty when it holds
    no letter. A co-holder of one word shares the family name of the first."""
    text = visible(names)
    folded = folded_words(text)
    if _SEVERAL_WORDS.isdisjoint(folded) and not any(s in text for s in _SEVERAL_SIGNS):
        words = join_particles(words_of_name(folded))[:WORDS_MAX]
        return (Holder(HolderKind.SINGLE_FIELD, "", words),) if words else ()
    holders: list[tuple[str, ...]] = []
    for part in _CO_HOLDERS.split(text):
        before, *born = _BIRTH_NAME.split(part, maxsplit=1)
        words = join_particles(name_words(before))
        if words and holders and sum(map(bool, map(name_words, before.split()))) == 1:
            words = (holders[0][0], *words)
        if words:
            holders.append(words)
        if words and born and (birth := join_particles(name_words(born[0]))):
            # DUPONT NEE MARTIN JULIE: the given names stand after both names.
            if len(words) == 1:
                words = holders[-1] = (*words, *birth[1:])
            holders.append((*birth[:1], *words[1:]))
    return tuple(
        Holder(HolderKind.SINGLE_FIELD, "", words[:WORDS_MAX])
        for words in holders[:HOLDERS_MAX]
    )


def company(name: str, siren: str | None) -> tuple[Holder, ...]:
    """Return the one holder; empty when the name holds no letter and no digit."""
    family = company_name(name)
    return (Holder(HolderKind.COMPANY, family, (), siren),) if family else ()


def holder_bytes(holders: Iterable[Holder]) -> bytes:
    """Return the unambiguous encoding that the holder tag is made of."""
    encoded = "\x01"
    for holder in holders:
        parts = (holder.kind, holder.family, *holder.words, holder.siren or "")
        pieces = [_TWO_BYTES[len(part)] + part for part in parts]
        encoded += chr(len(parts)) + "".join(pieces)
    # One character a byte: the parts are ASCII.
    return encoded.encode("latin-1")


class _TwoBytes(dict[int, str]):
    """A length → its two bytes, as characters; most are met again at once."""

    def __missing__(self, length: int) -> str:
        made = self[length] = chr(length >> 8) + chr(length & 0xFF)
        return made


_TWO_BYTES = _TwoBytes()


class Fingerprinter:
    """Bloom filters under one release's keyed bigram table, one bit a bigram."""

    def __init__(
        self,
        bigram_table: bytes,
        siren_tag: Callable[[str], bytes],
        *,
        remembered_words: int = 0,
    ) -> None:
        """The job remembers words, which repeat in the register; the site does not
        keep what people typed."""
        self._table = bigram_table
        self._siren_tag = siren_tag
        self._stored = {
            size: Remembered(
                functools.partial(self._store, size), limit=remembered_words
            )
            for size in (WORD_BYTES, COMPANY_BYTES)
        }

    def fingerprint(self, holder: Holder) -> Fingerprint:
        """Return what is stored of a holder."""
        if holder.kind is HolderKind.COMPANY:
            return Fingerprint(
                holder.kind,
                self._stored[COMPANY_BYTES][holder.family],
                (),
                self._siren_tag(holder.siren) if holder.siren else None,
            )
        stored = self._stored[WORD_BYTES]
        return Fingerprint(
            holder.kind,
            stored[holder.family] if holder.family else b"",
            tuple([stored[word] for word in holder.words]),
        )

    def _store(self, size: int, word: str) -> bytes:
        return self._compute(word, size).to_bytes(size, "big")

    def person_matches(
        self, family_name: str, given_names: str, recorded: Sequence[Fingerprint]
    ) -> bool:
        """Tell whether the names that a person typed are those of a holder."""
        typed = _typed_persons(family_name, given_names)
        return any(
            self._person_matches(family[:WORDS_MAX], given, fingerprint)
            if fingerprint.kind is HolderKind.PERSON
            else self._words_match(
                (*join_particles(family), *given)[:WORDS_MAX], fingerprint
            )
            for family, given in typed
            for fingerprint in recorded
            if fingerprint.kind is not HolderKind.COMPANY
        )

    def company_matches(
        self, name: str, siren: str | None, recorded: Sequence[Fingerprint]
    ) -> bool:
        """Tell whether a typed company is the holder."""
        typed = self._compute(company_name(name), COMPANY_BYTES)
        for fingerprint in recorded:
            if fingerprint.kind is not HolderKind.COMPANY:
                continue
            needed = COMPANY_AT_LEAST
            if siren and fingerprint.siren_tag:
                if self._siren_tag(siren) != fingerprint.siren_tag:
                    continue
                needed = COMPANY_WITH_SIREN_AT_LEAST
            if _dice(typed, int.from_bytes(fingerprint.family, "big")) >= needed:
                return True
        return False

    def _person_matches(
        self, family: Sequence[str], given: Sequence[str], recorded: Fingerprint
    ) -> bool:
        names = [int.from_bytes(word, "big") for word in recorded.words]
        surname = int.from_bytes(recorded.family, "big")
        # Whether given names are recorded is asked last: the time of a refusal would
        # else tell.
        if given:
            return (
                self._family_matches(family, surname)
                and self._given_match(given, names)
            ) or (
                self._family_matches(given, surname)
                and self._given_match(family, names)
                and bool(names)
            )
        # Without given names a second word may be one: MARTIN PAUL must not pass for
        # MARTIN JEAN on the strength of MARTIN.
        several = bool(names) and len(join_particles(family)) > 1
        at_least = WHOLE_AT_LEAST if several else FAMILY_AT_LEAST
        if self._family_matches(family, surname, at_least):
            return True
        # Both names typed in one field, in either order.
        cut_matches = any(
            (
                self._family_matches(family[:cut], surname)
                and self._given_match(family[cut:], names)
            )
            or (
                self._family_matches(family[cut:], surname)
                and self._given_match(family[:cut], names)
            )
            for cut in range(1, len(family))
        )
        return cut_matches and bool(names)

    def _family_matches(
        self, words: Sequence[str], recorded: int, at_least: float = FAMILY_AT_LEAST
    ) -> bool:
        core = without_particles(words)
        for variant in dict.fromkeys(("".join(words), core)):
            typed = self._word(variant)
            short = len(variant) <= EXACT_UP_TO_LETTERS
            if _dice(typed, recorded) >= (1 if short else at_least):
                return True
        return any(self._word(prefix + core) == recorded for prefix in _PREFIXES)

    def _given_match(self, words: Sequence[str], recorded: Sequence[int]) -> bool:
        if not recorded:
            return True
        typed = [self._word(word) for word in words]
        if any(_dice(t, r) >= GIVEN_AT_LEAST for t in typed for r in recorded):
            return True
        # JEANPAUL typed for JEAN PAUL, and the other way round.
        return _dice(_union(typed), _union(recorded)) >= OTHER_WORD_AT_LEAST

    def _words_match(self, words: Sequence[str], recorded: Fingerprint) -> bool:
        typed = [self._word(word) for word in words]
        known = [int.from_bytes(word, "big") for word in recorded.words]
        if _dice(_union(typed), _union(known)) >= WHOLE_AT_LEAST:
            return True
        return any(
            _dice(first, known[0]) >= FIRST_WORD_AT_LEAST
            and any(
                _dice(other, name) >= OTHER_WORD_AT_LEAST
                for j, other in enumerate(typed)
                if j != i
                for name in known[1:]
            )
            for i, first in enumerate(typed)
        )

    def _word(self, word: str) -> int:
        return self._compute(word, WORD_BYTES)

    def _compute(self, word: str, size: int) -> int:
        # Boundary 0, A–Z 1–26, digits 27–36; both ends count as a letter.
        previous = 0
        bits = 0
        mask = size * 8 - 1
        for letter in word.encode("ascii"):
            current = letter - 64 if letter >= 65 else letter - 21
            bits |= 1 << (self._table[previous * 37 + current] & mask)
            previous = current
        return bits | 1 << (self._table[previous * 37] & mask)


def _typed_persons(
    family_name: str, given_names: str
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return (family words, given words) for each holder in what was typed.

    No more of it than a record holds: a list of common names would else be as many
    guesses in one attempt.
    """
    given = tuple(w for w in join_particles(name_words(given_names)) if w != "OU")
    whole = visible(family_name)
    parts = [part for part in _CO_HOLDERS.split(whole) if name_words(part)]
    texts = [whole]
    for part in parts[:HOLDERS_MAX]:
        texts += [part, *_BIRTH_NAME.split(part, maxsplit=1)]
    return [
        (words, given[:WORDS_MAX])
        for text in dict.fromkeys(texts)
        if (words := name_words(text))
    ]


def initials(
    *, family: str = "", given: str = "", company: str = "", siren: str | None = None
) -> Initials:
    """Return what may be shown of a holder; no length of a name shows through."""
    return Initials(
        initial_letters(family),
        initial_letters(given),
        initial_letters(company),
        siren[:3] if siren else None,
    )


def initial_letters(text: str) -> str | None:
    if not text:
        return None
    letters = [word[0] + "." for word in folded_words(text) if not word.isdigit()]
    return " ".join(letters[:4]) or None


def _dice(a: int, b: int) -> float:
    total = a.bit_count() + b.bit_count()
    return 2 * (a & b).bit_count() / total if total else 0.0


def _union(filters: Iterable[int]) -> int:
    union = 0
    for one in filters:
        union |= one
    return union
