"""Raw text → canonical plates, numbers, dates and names: SPEC.md sections 1 to 3."""

import datetime as dt
import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudonymizer import normalise
from pseudonymizer.envelope import identity_bytes
from pseudonymizer.errors import Unusable
from pseudonymizer.records import Identity, Register
from tests.pseudonymizer import confirm_vectors as spec
from tests.pseudonymizer.confirm_vectors import load
from tests.pseudonymizer.vector_files import Json, identity, with_about

FORMS = ("NFC", "NFD", "NFKC", "NFKD")

# What people and spreadsheets put between the characters of a plate.
SEPARATORS = ("-", " ", ".", "\u00a0", "\u2011", "\u200b", "\ufeff", "'", "\u2019", "")

# The letters of French and of names in France, and what may stand among them.
NAME_LETTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdeinorstz0123456789 '-./&*"
    "éèêëàâäçîïôöùûüÿœæÉÈÀÇŒÆßøłđðþıŁØ’´`\u00a0\u200b\u0301\u00adＡ９"
)
names = st.text(NAME_LETTERS, max_size=30)
anything = st.text(max_size=30)


def _unusable(code: str) -> object:
    return pytest.raises(Unusable, match=f"^{code}$")


@pytest.mark.parametrize("vector", **with_about(load("identities")["canonical"]))
def test_an_identity_has_one_canonical_form(vector: Json) -> None:
    assert _canonical(vector["typed"]) == identity(vector)


@pytest.mark.parametrize("vector", **with_about(load("identities")["unusable"]))
def test_an_identity_without_canonical_form_is_refused(vector: Json) -> None:
    with _unusable(vector["code"]):
        _canonical(vector["typed"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("vector", **with_about(load("identities")["canonical"]))
def test_no_unicode_form_changes_an_identity(vector: Json, form: str) -> None:
    typed = {k: unicodedata.normalize(form, v) for k, v in vector["typed"].items()}
    assert _canonical(typed) == identity(vector)


def _canonical(typed: Json) -> Identity:
    if typed["register"] == "SIV":
        return normalise.siv_identity(typed["plate"], typed["formula_number"])
    date = dt.date.fromisoformat(typed["issue_date"])
    return normalise.fni_identity(typed["plate"], date)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("  ", ""),
        ("DUPRE", "DUPRE"),
        ("EXTRA", "EXTRA"),
        ("DU\u20ddPRE\u0301", "DUPRE"),
        ("EXTRÊME", "EXTREME"),
        ("dupré", "DUPRE"),
        ("dupre\u0301", "DUPRE"),
        ("Jean-Marc  de l'Orme", "JEAN MARC DE LORME"),
        ("D`ORME", "DORME"),
        ("D`ÔRME", "DORME"),
        ("D´ORME", "DORME"),
        ("D’ORME D‘ORME DʼORME D′ORME D‛ORME D＇ORME", " ".join(["DORME"] * 6)),
        ('"L\'ETABLI"', "LETABLI"),
        ("ŒUF ÆSIR STRAẞE STRASSE ŁØĐ", "OEUF AESIR STRASSE STRASSE LOD"),
        ("DU\u00adPRE \u200bDUPRE\u200d DU\ufeffPRE", "DUPRE DUPRE DUPRE"),
        ("DU\u00a0PRE\u202fLE\u2003LONG\tTOT\nTARD", "DU PRE LE LONG TOT TARD"),
        ("DU\u2011PRE\u2013LE—LONG·LAC_SEC", "DU PRE LE LONG LAC SEC"),
        ("ＤＵＰＲＥ １２", "DUPRE 12"),
        ("\ufb01n\u017f", "FINS"),
        ("Дюпре 中 👪", ""),
        ("A\u0430B", "A B"),
        ("\ud800A\udfff", "A"),
        ("\x00A\x7fB", "A B"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert normalise.fold(text) == folded


@given(anything)
def test_fold_gives_words_of_letters_and_digits_one_space_apart(text: str) -> None:
    folded = normalise.fold(text)
    assert set(folded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
    assert folded == " ".join(folded.split())
    assert normalise.fold(folded) == folded


@given(st.one_of(names, anything))
def test_fold_is_what_the_specification_says(text: str) -> None:
    assert normalise.fold(text) == spec.fold(text)


@given(st.one_of(names, anything), st.sampled_from(["NFC", "NFD"]))
def test_fold_is_equal_for_composed_and_decomposed_text(text: str, form: str) -> None:
    assert normalise.fold(unicodedata.normalize(form, text)) == normalise.fold(text)


def test_every_character_folds_alike_composed_and_decomposed() -> None:
    differing = []
    for code in range(0x110000):
        text = f"A{chr(code)}B"
        if unicodedata.decomposition(chr(code)):
            forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
            if {normalise.fold(form) for form in forms} != {normalise.fold(text)}:
                differing.append(hex(code))
    assert differing == []


@given(st.text("ABCDIO0159éœßłøđæ", min_size=1, max_size=12), st.data())
def test_an_identifier_is_equal_however_it_is_typed(
    text: str, data: st.DataObject
) -> None:
    canonical = normalise.identifier(text, "plate")
    form = data.draw(st.sampled_from(FORMS))
    assert normalise.identifier(unicodedata.normalize(form, text), "plate") == canonical
    assert normalise.identifier(text.lower(), "plate") == canonical
    assert normalise.identifier(text.upper(), "plate") == canonical
    separators = data.draw(
        st.lists(st.sampled_from(SEPARATORS), min_size=len(text), max_size=len(text))
    )
    spread = "".join(a + b for a, b in zip(text, separators, strict=True))
    assert normalise.identifier(spread, "plate") == canonical
    mistaken = canonical.replace("0", "O").replace("1", "I")
    assert normalise.identifier(mistaken, "plate") == canonical
    assert normalise.identifier(canonical, "plate") == canonical


_parts = st.text("ABC0189", min_size=1, max_size=32)
_identities = st.builds(Identity, st.sampled_from(list(Register)), _parts, _parts)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_read_byte_by_byte_as_any_text_is(text: str) -> None:
    # Not ASCII, and folded away: the text takes the long way.
    beyond = text + "\u200b"
    assert normalise.fold(text) == normalise.fold(beyond)

    def identifier(text: str) -> str:
        try:
            return normalise.identifier(text, "plate")
        except Unusable as unusable:
            return unusable.code

    assert identifier(text) == identifier(beyond)


def test_an_fni_plate_without_canonical_form_is_refused() -> None:
    with _unusable("plate_missing"):
        normalise.fni_identity(" - ", dt.date(2008, 3, 6))


def test_what_prints_nothing_is_no_part_of_an_identifier() -> None:
    assert normalise.identifier("A\x7fB\x00-12", "plate") == "AB12"


@given(_identities, _identities)
def test_distinct_identities_have_distinct_bytes(a: Identity, b: Identity) -> None:
    assert (identity_bytes(a) == identity_bytes(b)) == (a == b)


@given(_parts, st.integers(0, 31))
def test_the_bytes_say_where_the_plate_ends(text: str, cut: int) -> None:
    pieces = {
        identity_bytes(Identity(Register.SIV, text[:n], text[n:]))
        for n in range(1, len(text))
    }
    assert len(pieces) == len(text) - 1


# The usual French forms, and how spreadsheets and word processors change them.
FIRST_OF_FEBRUARY = [
    "1/2/2005", "01/02/2005", "01-02-2005", "1-2-2005", "01.02.2005", "1.2.2005",
    "01 02 2005", "1 2 2005", "01/02-2005", "01 / 02 / 2005", "01022005",
    "2005-02-01", "2005-2-1", "1 février 2005", "1er février 2005", "1er fevrier 2005",
    "1ER FÉVRIER 2005", "1er Février 2005", "01 février 2005", "1 févr. 2005",
    "1 fév 2005", "1 fev. 2005", "1-février-2005", "le 1er février 2005",
    "Le 1 février 2005", "LE 01/02/2005", "  01/02/2005  ", "01/02/2005\n",
    "1\u1d49\u02b3 février 2005", "1 er février 2005", "1er fe\u0301vrier 2005",
    "1er\u00a0février\u00a02005", "\u200e01/02/2005", "01\u200b/02/2005\ufeff",
    "01\u201102\u20112005", "01\u201302\u20132005", "０１／０２／２００５",
]  # fmt: skip


@pytest.mark.parametrize("text", FIRST_OF_FEBRUARY)
def test_a_date_is_understood_in_every_usual_form(text: str) -> None:
    assert normalise.typed_date(text) == dt.date(2005, 2, 1)


@pytest.mark.parametrize(
    ("word", "month"),
    [
        ("janvier", 1), ("janv.", 1), ("jan", 1), ("mars", 3), ("mar.", 3),
        ("avril", 4), ("avr.", 4), ("mai", 5), ("juin", 6), ("juillet", 7),
        ("juil.", 7), ("août", 8), ("aou", 8), ("aout", 8), ("AOÛT", 8), ("septembre", 9),
        ("sept.", 9), ("sep", 9), ("octobre", 10), ("oct.", 10), ("novembre", 11),
        ("nov.", 11), ("décembre", 12), ("decembre", 12), ("déc.", 12), ("dec", 12),
    ],
)  # fmt: skip
def test_months_are_understood_by_name(word: str, month: int) -> None:
    assert normalise.typed_date(f"3 {word} 2004") == dt.date(2004, month, 3)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "date_missing"),
        (" \u00a0\u200b ", "date_missing"),
        ("31/02/2005", "date_impossible"),
        ("29/02/2005", "date_impossible"),
        ("30022004", "date_impossible"),
        ("2005-02-29", "date_impossible"),
        ("00/01/2005", "date_impossible"),
        ("01/00/2005", "date_impossible"),
        ("01/13/2005", "date_impossible"),
        ("12/31/2005", "date_impossible"),
        ("01/01/0000", "date_impossible"),
        ("31/12/1892", "date_impossible"),
        ("31 juin 2004", "date_impossible"),
        ("1/2/05", "date_unreadable"),
        ("010205", "date_unreadable"),
        ("1 février 05", "date_unreadable"),
        ("1/2", "date_unreadable"),
        ("2005", "date_unreadable"),
        ("février 2005", "date_unreadable"),
        ("1 brumaire 2005", "date_unreadable"),
        ("01/02/20055", "date_unreadable"),
        ("001/02/2005", "date_unreadable"),
        ("1012005", "date_unreadable"),
        ("2005/02/01", "date_unreadable"),
        ("AA-123-BB", "date_unreadable"),
        ("01/02/2005 01/02/2005", "date_unreadable"),
    ],
)
def test_a_date_that_is_none_is_refused(text: str, code: str) -> None:
    with _unusable(code):
        normalise.typed_date(text)


def test_leap_days_and_the_ends_of_the_calendar_are_dates() -> None:
    assert normalise.typed_date("29/02/2004") == dt.date(2004, 2, 29)
    assert normalise.typed_date("01/01/1893") == dt.date(1893, 1, 1)
    # Without a clock no date is too late: it finds nothing.
    assert normalise.typed_date("31/12/9999") == dt.date(9999, 12, 31)


@given(anything)
def test_typed_dates_are_dates_or_unusable(text: str) -> None:
    try:
        assert isinstance(normalise.typed_date(text), dt.date)
    except Unusable as unusable:
        assert unusable.code in ("date_missing", "date_unreadable", "date_impossible")


_FEED_DAYS = [
    # DD/MM/YYYY
    ("06/01/2019", "2019-01-06"),
    ("29/02/2004", "2004-02-29"),
    ("01/01/0001", "0001-01-01"),
    ("31/12/9999", "9999-12-31"),
    # A moment in UTC to the millisecond; summer time is two hours, winter time one.
    ("2019-01-06T13:03:57.922Z", "2019-01-06"),
    ("2019-01-06T22:59:59.999Z", "2019-01-06"),
    ("2019-01-06T23:00:00.000Z", "2019-01-07"),
    ("2019-07-06T21:59:59.999Z", "2019-07-06"),
    ("2019-07-06T22:00:00.000Z", "2019-07-07"),
    ("2019-07-06T23:59:59.999Z", "2019-07-07"),
    ("2019-12-31T23:30:00.000Z", "2020-01-01"),
    # Summer time began on 31 March 2019 at 01:00 UTC, and ended on 27 October.
    ("2019-03-30T22:30:00.000Z", "2019-03-30"),
    ("2019-03-30T23:00:00.000Z", "2019-03-31"),
    ("2019-03-31T21:59:59.999Z", "2019-03-31"),
    ("2019-03-31T22:00:00.000Z", "2019-04-01"),
    ("2019-10-26T22:00:00.000Z", "2019-10-27"),
    ("2019-10-27T22:59:59.999Z", "2019-10-27"),
    ("2019-10-27T23:00:00.000Z", "2019-10-28"),
    # No summer time before 1976.
    ("1970-07-06T22:30:00.000Z", "1970-07-06"),
    ("1970-07-06T23:30:00.000Z", "1970-07-07"),
    # A moment in UTC to the second.
    ("1998-06-14 22:00:00", "1998-06-15"),
    ("1998-06-14 21:59:59", "1998-06-14"),
    ("1998-12-14 23:00:00", "1998-12-15"),
    ("1998-12-14 22:59:59", "1998-12-14"),
    # A moment in UTC to the tenth.
    ("2019-07-06T21:59:59.9Z", "2019-07-06"),
    ("2019-07-06T22:00:00.9Z", "2019-07-07"),
    # French time, with a fraction, a cut zone, or a zone.
    ("2018-05-17 00:00:00.0", "2018-05-17"),
    ("2018-05-17 23:59:59.9", "2018-05-17"),
    ("2018-05-17 23:59:59.999", "2018-05-17"),
    ("2018-05-17 23:59:59.99+", "2018-05-17"),
    ("2018-05-17 23:59:59+02", "2018-05-17"),
    ("2018-05-17 00:00:00+01", "2018-05-17"),
]


@pytest.mark.parametrize(("text", "day"), _FEED_DAYS)
def test_a_day_of_the_feed(text: str, day: str) -> None:
    assert normalise.feed_day(text) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "decides"),
    [
        ("2019-01-06T13:03:57.922Z", "2019-01-06"),
        ("2019-01-06T21:59:59.999Z", "2019-01-06"),
        ("2019-01-06T22:59:59.999Z", "2019-01-06T22:00:00Z"),
        # Of other shapes, the whole text
        *((text, text) for text in ("06/01/2019", "2019-01-06 13:03:57.922Z", "")),
        (None, None),
    ],
)
def test_of_a_moment_to_the_millisecond_the_day_decides_until_the_evening(
    text: str | None, decides: str | None
) -> None:
    assert normalise.that_repeats(text) == decides


@pytest.mark.parametrize("text", [None, "", "01/01/1900"])
def test_the_register_has_a_date_for_none(text: str | None) -> None:
    assert normalise.feed_day(text) is None


_NO_DAYS = [
    " ", "0", "null", "31/02/2005", "00/01/2005", "01/00/2005", "1/2/2005", "01-02-2005",
    "01/02/05", "06/01/20190", " 06/01/2019", "06/01/2019 ", "06/01/2019\n",
    "2019-02-29T10:00:00.000Z", "2019-13-06T10:00:00.000Z", "0000-01-06T10:00:00.000Z",
    "2019-01-06T24:00:00.000Z", "2019-01-06T99:00:00.000Z", "2019-01-06 24:00:00",
    "2019-01-06 10:60:00", "2019-01-06 10", "2019-01-06 10:00", "20190106",
    # The end of the calendar has no day after it.
    "9999-12-31T23:59:59.999Z", "9999-12-31 23:00:00",
    "06/01/2019 autre chose..Z", "2019-01-06-autre chose..Z", "2019-01-06Tautre",
    "٠٦/٠١/٢٠١٩", "２０１９-01-06T10:00:00.000Z", "2018-05-17 ２３:59:59.9",
]  # fmt: skip


@pytest.mark.parametrize("text", _NO_DAYS)
def test_what_is_no_day_of_the_feed_is_unreadable(text: str) -> None:
    with _unusable("date_unreadable"):
        normalise.feed_day(text)


def test_no_text_changes_what_another_is_read_as() -> None:
    """Days are remembered: the answer must not depend on what was read before."""

    def read(text: str) -> str:
        try:
            return str(normalise.feed_day(text))
        except Unusable as unusable:
            return unusable.code

    texts = [text for text, _ in _FEED_DAYS] + _NO_DAYS
    # The same days in other shapes and with other hours, as a dirty feed mixes them.
    texts += [f"{text[:10]}{tail}" for text in texts for tail in ("", _HOURS, _NIGHT)]
    orders = []
    for seed in range(4):
        random.Random(seed).shuffle(texts)
        normalise.FEED_DAYS.clear()
        orders.append({text: read(text) for text in texts})
        orders.append({text: read(text) for text in texts})
    assert all(order == orders[0] for order in orders)


@given(anything)
def test_a_day_is_the_same_looked_up_as_asked_for(text: str) -> None:
    for shape in (text, *(day for day, _ in _FEED_DAYS), *_NO_DAYS):
        try:
            asked = normalise.feed_day(shape)
        except Unusable:
            with _unusable("date_unreadable"):
                normalise.FEED_DAYS[shape]
        else:
            assert normalise.FEED_DAYS[shape] == asked


def test_what_is_remembered_has_a_limit() -> None:
    asked = []

    def rule(text: str) -> str:
        asked.append(text)
        return text.lower()

    remembered = normalise.Remembered(rule, limit=2)
    long = "L" * 41
    for text in (long, "A", "B", "C") * 2:
        assert remembered[text] == text.lower()
    assert asked == [long, "A", "B", "C", long, "C"]
    assert len(remembered) == 2
    once = normalise.Remembered(rule, limit=1)
    assert once["L" * 40] == "l" * 40
    assert len(once) == 1


_HOURS, _NIGHT = "T13:99:99.000Z", "T22:99:99.000Z"


@given(anything)
def test_days_of_the_feed_are_dates_or_unreadable(text: str) -> None:
    try:
        day = normalise.feed_day(text)
    except Unusable as unusable:
        assert unusable.code == "date_unreadable"
    else:
        assert day is None or isinstance(day, dt.date)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("123456789", "123456789"),
        ("123 456 789", "123456789"),
        ("123.456.789", "123456789"),
        ("123\u00a0456\u202f789\u200b", "123456789"),
        ("１２３４５６７８９", "123456789"),
        ("12345678900012", "123456789"),
        ("123 456 789 00012", "123456789"),
        ("", None),
        (" - ", None),
        ("000000000", None),
        ("000 000 000 00000", None),
    ],
)
def test_siren(text: str, number: str | None) -> None:
    assert normalise.siren(text) == number


@pytest.mark.parametrize(
    "text",
    ["12345678", "1234567890", "1234567890001", "123456789000123", "12345678A",
     "FR12345678901", "٣٣٣٣٣٣٣٣٣", "INCONNU"],
)  # fmt: skip
def test_what_is_no_siren_is_refused(text: str) -> None:
    with _unusable("siren_unreadable"):
        normalise.siren(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("GARAGE DU LAC", "GARAGEDULAC"),
        ("Garage du Lac", "GARAGEDULAC"),
        ("SARL GARAGE DU LAC", "GARAGEDULAC"),
        ("GARAGE DU LAC (S.A.R.L.)", "GARAGEDULAC"),
        ("S A R L GARAGE DU LAC", "GARAGEDULAC"),
        ("S.A. GARAGE DU LAC", "GARAGEDULAC"),
        ("SAS SOCIETE NOUVELLE GARAGE DU LAC", "NOUVELLEGARAGEDULAC"),
        ("MARTEAU & FILS", "MARTEAUETFILS"),
        ("MARTEAU&FILS", "MARTEAUETFILS"),
        ("MARTEAU ET FILS", "MARTEAUETFILS"),
        ("L'ÉTABLI D’ŒUVRE", "LETABLIDOEUVRE"),
        ("A.B.C.", "ABC"),
        ("ATELIER 2000", "ATELIER2000"),
        ("3 B", "3B"),
        ("SARL", "SARL"),
        ("SOCIETE ENTREPRISE", "SOCIETEENTREPRISE"),
        ("SARLAT", "SARLAT"),
        ("", ""),
        ("***", ""),
    ],
)
def test_company_name(text: str, name: str) -> None:
    assert normalise.company_name(text) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MARTEAU", ["MARTEAU"]),
        ("M. MARTEAU", ["MARTEAU"]),
        ("Monsieur ou Madame MARTEAU", ["OU", "MARTEAU"]),
        ("MME MARTEAU MLLE", ["MARTEAU"]),
        ("ST OURS", ["SAINT", "OURS"]),
        ("STE-MARINE", ["SAINTE", "MARINE"]),
        ("M A R T E A U PAUL", ["MARTEAU", "PAUL"]),
        ("PAUL E", ["PAUL", "E"]),
        ("MARTEAU 2", ["MARTEAU"]),
        ("MARTEAU2", ["MARTEAU2"]),
        ("2 3", []),
        ("M.", []),
        ("", []),
    ],
)
def test_words_of_a_name(text: str, words: list[str]) -> None:
    assert list(normalise.name_words(text)) == words


@given(names)
def test_words_of_a_name_are_what_the_specification_says(text: str) -> None:
    found = normalise.name_words(text)
    assert list(found) == spec.words(text)
    assert list(normalise.join_particles(found)) == spec.joined(list(found))


@given(names)
def test_company_names_are_what_the_specification_says(text: str) -> None:
    assert normalise.company_name(text) == spec.company_name(text)


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        ("DE LA TOURNELLE PAUL", ["DELATOURNELLE", "PAUL"]),
        ("PAUL DE LA TOURNELLE", ["PAUL", "DELATOURNELLE"]),
        ("MARTEAU", ["MARTEAU"]),
        ("MARTEAU DE", ["MARTEAU", "DE"]),
        ("DE LA", ["DELA"]),
        ("SAINT OURS", ["SAINTOURS"]),
        ("", []),
    ],
)
def test_a_particle_is_one_with_the_word_after_it(
    words: str, joined: list[str]
) -> None:
    assert list(normalise.join_particles(words.split())) == joined


@pytest.mark.parametrize(
    ("words", "core"),
    [
        ("DE LA TOURNELLE", "TOURNELLE"),
        ("LE", "LE"),
        ("DE LA", "LA"),
        ("MARTEAU DE", "MARTEAUDE"),
        ("", ""),
    ],
)
def test_a_family_name_without_its_particles(words: str, core: str) -> None:
    assert normalise.without_particles(words.split()) == core
