"""Codes: SPEC.md section 11, its last paragraph."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histovet.sharing import codes
from histovet.sharing.codes import Kind, Unreadable
from tests.pseudonymizer.confirm_vectors import load

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

# Secret, code of a link, code of an owner: from confirm_vectors.py, like those of
# vectors/links.json.
LITERAL = [
    (
        "000102030405060708090a0b0c0d0e0f",
        "AAAQEAYEAUDAOCAJBIFQYDIOB47",
        "AAAQEAYEAUDAOCAJBIFQYDIOB4D",
    ),
    (
        "00000000000000000000000000000001",
        "AAAAAAAAAAAAAAAAAAAAAAAAAE7",
        "AAAAAAAAAAAAAAAAAAAAAAAAAED",
    ),
    (
        "80000000000000000000000000000000",
        "QAAAAAAAAAAAAAAAAAAAAAAAAAF",
        "QAAAAAAAAAAAAAAAAAAAAAAAAAZ",
    ),
    (
        "c27b777d61c1b83123e9bd3952c59cfb",
        "YJ5XO7LBYG4DCI7JXU4VFRM47MN",
        "YJ5XO7LBYG4DCI7JXU4VFRM47MR",
    ),
]
LINKS = load("links")["links"]
WRITTEN = [
    *((Kind.LINK, vector["secret"], vector["code"]) for vector in LINKS),
    *((Kind.OWNER, vector["owner_secret"], vector["owner_code"]) for vector in LINKS),
    *((Kind.LINK, secret, code) for secret, code, _ in LITERAL),
    *((Kind.OWNER, secret, code) for secret, _, code in LITERAL),
]
# Nothing but zeros, nothing but ones, and ordinary ones.
FIXED = [
    pytest.param(kind, code, id=code)
    for kind, code in (
        (Kind.LINK, "AAAAAAAAAAAAAAAAAAAAAAAAAAX"),
        (Kind.LINK, "77777777777777777777777774G"),
        (Kind.LINK, "B4PC2PCLLJUXRB4WUW2MHUXB6AQ"),
        (Kind.OWNER, "73OLVGDWKQZBAAJDIVTYTK6N544"),
    )
]
# One O, one I and one B.
MISREAD_CODE = "YJ5XO7LBYG4DCI7JXU4VFRM47MN"
MISREAD_SECRET = "c27b777d61c1b83123e9bd3952c59cfb"

secrets = st.binary(min_size=16, max_size=16)
kinds = st.sampled_from(Kind)


def is_refused(text: str, kind: Kind) -> bool:
    try:
        codes.decode(text, kind)
    except Unreadable:
        return True
    return False


@pytest.mark.parametrize(("kind", "secret", "code"), WRITTEN)
def test_a_secret_has_the_code_of_its_vector(kind, secret, code):
    assert codes.encode(bytes.fromhex(secret), kind) == code
    assert codes.decode(code, kind).hex() == secret
    assert len(code) == codes.LENGTH == 27


@given(secret=secrets, kind=kinds)
def test_every_code_is_read_back(secret, kind):
    code = codes.encode(secret, kind)
    assert codes.decode(code, kind) == secret
    assert codes.decode(codes.grouped(code).lower(), kind) == secret


@given(st.text(), kinds)
def test_any_other_text_is_unreadable_and_nothing_worse(text, kind):
    assert is_refused(text, kind)


# Mistyped


@pytest.mark.parametrize(("kind", "code"), FIXED)
def test_every_single_wrong_character_is_found(kind, code):
    assert not is_refused(code, kind)
    for place, right in enumerate(code):
        for wrong in ALPHABET:
            if wrong != right:
                typed = code[:place] + wrong + code[place + 1 :]
                assert is_refused(typed, kind), typed


@pytest.mark.parametrize(("kind", "code"), FIXED)
def test_every_two_characters_that_changed_places_are_found(kind, code):
    for a, b in itertools.combinations(range(len(code)), 2):
        if code[a] != code[b]:
            typed = list(code)
            typed[a], typed[b] = code[b], code[a]
            assert is_refused("".join(typed), kind), "".join(typed)


@given(
    secret=secrets,
    kind=kinds,
    places=st.sets(st.integers(0, 26), min_size=2, max_size=2),
)
def test_two_characters_that_changed_places_are_found_in_any_code(secret, kind, places):
    code = codes.encode(secret, kind)
    a, b = places
    typed = list(code)
    typed[a], typed[b] = code[b], code[a]
    assert is_refused("".join(typed), kind) is (code[a] != code[b])


@pytest.mark.parametrize(("kind", "code"), FIXED)
def test_no_second_code_has_the_same_secret(kind, code):
    # Two bits of the last letter of the secret hold nothing; one that sets them has no
    # check character that makes it right.
    last = ALPHABET.index(code[25])
    assert last % 4 == 0
    for letter in ALPHABET[last + 1 : last + 4]:
        for check in ALPHABET:
            typed = code[:25] + letter + check
            assert is_refused(typed, kind), typed


@pytest.mark.parametrize(("kind", "secret", "code"), WRITTEN)
def test_a_code_of_one_kind_is_none_of_the_other(kind, secret, code):
    other = Kind.OWNER if kind is Kind.LINK else Kind.LINK
    assert is_refused(code, other)
    assert codes.encode(bytes.fromhex(secret), other)[:26] == code[:26]


@given(secret=secrets, kind=kinds)
def test_no_code_is_of_both_kinds(secret, kind):
    other = Kind.OWNER if kind is Kind.LINK else Kind.LINK
    assert is_refused(codes.encode(secret, kind), other)


# As people type it

CODE = "B4PC2PCLLJUXRB4WUW2MHUXB6AQ"
SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
SEPARATORS = {
    "space": " ",
    "tab": "\t",
    "line": "\n",
    "end of line": "\r\n",
    "hyphen-minus": "-",
    "full stop": ".",
    "no-break space": "\u00a0",
    "soft hyphen": "\u00ad",
    "thin space": "\u2009",
    "zero-width space": "\u200b",
    "zero-width non-joiner": "\u200c",
    "zero-width joiner": "\u200d",
    "hyphen": "\u2010",
    "non-breaking hyphen": "\u2011",
    "figure dash": "\u2012",
    "en dash": "\u2013",
    "em dash": "\u2014",
    "narrow no-break space": "\u202f",
    "word joiner": "\u2060",
    "ideographic space": "\u3000",
    "byte order mark": "\ufeff",
    "several": " - .\u2011\u00a0",
}


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS.keys())
def test_what_stands_between_the_groups_is_dropped(separator):
    groups = [CODE[at : at + 3] for at in range(0, 27, 3)]
    for typed in (
        separator.join(groups),
        separator.join(CODE),
        separator + CODE + separator,
    ):
        assert codes.decode(typed, Kind.LINK).hex() == SECRET


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(CODE.lower(), id="lower case"),
        pytest.param(CODE.title(), id="a capital first"),
        pytest.param("b4p-c2p-cll-jux-rb4-wuw-2mh-uxb-6aq", id="as shown, lower case"),
        pytest.param(" B4PC 2PCL LJUX RB4W UW2M HUXB 6AQ\n", id="in fours"),
        pytest.param("84PC2PCLLJUXR84WUW2MHUX86AQ", id="8 for B"),
        pytest.param("84pc2pclljuxr84wuw2mhuxb6aq", id="8 for some B, lower case"),
    ],
)
def test_a_code_is_read_however_it_was_typed(typed):
    assert codes.decode(typed, Kind.LINK).hex() == SECRET


@pytest.mark.parametrize(("digit", "letter"), [("0", "O"), ("1", "I"), ("8", "B")])
def test_a_digit_that_no_code_has_is_read_as_the_letter_it_looks_like(digit, letter):
    assert MISREAD_CODE.count(letter) == 1
    typed = MISREAD_CODE.replace(letter, digit)
    assert codes.decode(typed, Kind.LINK).hex() == MISREAD_SECRET
    everywhere = MISREAD_CODE.translate(str.maketrans("OIB", "018"))
    assert codes.decode(everywhere, Kind.LINK).hex() == MISREAD_SECRET
    # And as no other: it is a wrong character wherever another one stood.
    for place, right in enumerate(MISREAD_CODE):
        if right != letter:
            wrong = MISREAD_CODE[:place] + digit + MISREAD_CODE[place + 1 :]
            assert is_refused(wrong, Kind.LINK)


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("", id="empty"),
        pytest.param(" - - .\n", id="separators alone"),
        *(pytest.param(CODE[:size], id=f"{size} characters") for size in range(1, 27)),
        pytest.param(CODE[1:], id="without its first"),
        pytest.param(CODE[:12] + CODE[13:], id="without one in the middle"),
        pytest.param(CODE + "A", id="one more"),
        pytest.param("A" + CODE, id="one before"),
        pytest.param(CODE[0] + CODE, id="its first twice"),
        pytest.param(CODE + CODE, id="twice"),
        pytest.param(CODE * 10_000, id="very long"),
        *(
            pytest.param(CODE[:9] + other + CODE[10:], id=f"{other!a} inside")
            for other in "9_/+=#%É*\0\u0410\uff21\u0661"
        ),
        pytest.param("https://localhost/r/abc#" + CODE, id="an address"),
    ],
)
def test_other_text_is_no_code(typed):
    assert is_refused(typed, Kind.LINK)
    assert is_refused(typed, Kind.OWNER)


def test_a_code_is_shown_in_nine_groups_of_three():
    assert codes.grouped(CODE) == "B4P-C2P-CLL-JUX-RB4-WUW-2MH-UXB-6AQ"
