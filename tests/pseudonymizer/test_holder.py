"""Names → holders, fingerprints and how well typed names match: SPEC.md section 3."""

import hashlib
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudonymizer import holder
from pseudonymizer.holder import Fingerprinter, holder_bytes
from pseudonymizer.normalise import siren
from pseudonymizer.records import Fingerprint, Holder, HolderKind, Initials
from tests.pseudonymizer import confirm_vectors as spec
from tests.pseudonymizer.confirm_vectors import load
from tests.pseudonymizer.test_normalise import NAME_LETTERS
from tests.pseudonymizer.vector_files import Json, holders, keys, proof, with_about

KEYS = keys()
FINGERPRINTER = Fingerprinter(KEYS.bigram_table, KEYS.siren_tag)
SPEC_KEYS = spec.ReleaseKeys(
    spec.Ring(load("keys")["rings"]["register"]), load("release")["release"]
)

# Names of people who do not exist, and what the register and people put between.
_WORDS = (
    "MARTEAU", "FERRIOL", "GRANDIN", "TOURNELLE", "ROY", "PAULINE", "ODILE", "JULES",
    "DE", "LA", "DU", "SAINT", "ST", "M.", "MME", "NEE", "NÉE", "ET", "OU", "&", "/",
    "-", ".-", "E", "D'", "ÉLOÏSE", "*", "2",
)  # fmt: skip
fields = st.one_of(
    st.lists(st.sampled_from(_WORDS), max_size=7).map(" ".join),
    st.text(NAME_LETTERS, max_size=30),
)


def holders_of(line: Json) -> tuple[Holder, ...]:
    if "company" in line:
        return holder.company(line["company"], siren(line["siren"]))
    if line["register"] == "SIV":
        return holder.person(line["family_name"], line["given_names"])
    return holder.single_field(line["family_name"])


def recorded(*found: Holder) -> tuple[Fingerprint, ...]:
    return tuple(FINGERPRINTER.fingerprint(one) for one in found)


@pytest.mark.parametrize("vector", **with_about(load("holders")["holders"]))
def test_the_holders_of_a_line(vector: Json) -> None:
    assert holders_of(vector["line"]) == holders(vector["holders"])


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("vector", **with_about(load("holders")["holders"]))
def test_holders_are_equal_composed_and_decomposed(vector: Json, form: str) -> None:
    line = {k: unicodedata.normalize(form, v) for k, v in vector["line"].items()}
    assert holders_of(line) == holders(vector["holders"])


@pytest.mark.parametrize("vector", **with_about(load("holders")["holders"]))
def test_what_is_stored_of_the_holders(vector: Json) -> None:
    found = holders(vector["holders"])
    assert holder_bytes(found).hex() == vector["bytes"]
    assert recorded(*found) == proof(vector).fingerprints
    assert KEYS.holder_tags(holder_bytes(found)) == proof(vector).tags


@pytest.mark.parametrize("vector", **with_about(load("holders")["typed"]))
def test_typed_names_match_or_not(vector: Json) -> None:
    found = recorded(*holders_of(vector["line"]))
    typed = vector["typed"]
    if "company" in typed:
        matches = FINGERPRINTER.company_matches(typed["company"], typed["siren"], found)
    else:
        matches = FINGERPRINTER.person_matches(
            typed["family_name"], typed["given_names"], found
        )
    assert matches is vector["matches"]


@given(fields, fields)
def test_holders_are_those_of_the_specification(family: str, names: str) -> None:
    for line in (
        {"register": "SIV", "family_name": family, "given_names": names},
        {"register": "FNI", "family_name": family},
        {"register": "SIV", "company": family, "siren": ""},
    ):
        expected = spec.holders_of(line) if line.get("company", "x") else []
        assert holders_of(line) == holders(expected)
        assert holder_bytes(holders(expected)) == spec.holder_bytes(expected)


@given(fields, fields, fields, fields)
def test_names_match_as_the_specification_says(
    family: str, names: str, typed_family: str, typed_names: str
) -> None:
    for line in (
        {"register": "SIV", "family_name": family, "given_names": names},
        {"register": "FNI", "family_name": family},
    ):
        matcher = spec.Matcher(spec.holders_of(line), SPEC_KEYS)
        assert FINGERPRINTER.person_matches(
            typed_family, typed_names, recorded(*holders_of(line))
        ) is matcher.person(typed_family, typed_names)


@given(fields, fields, st.sampled_from(["123456789", None]))
def test_companies_match_as_the_specification_says(
    name: str, typed: str, number: str | None
) -> None:
    found = holder.company(name, "123456789")
    expected = [spec._holder("company", f.family, [], f.siren) for f in found]
    matcher = spec.Matcher(expected, SPEC_KEYS)
    assert FINGERPRINTER.company_matches(
        typed, number, recorded(*found)
    ) is matcher.company(typed, number)


@given(fields, fields)
def test_whoever_is_recorded_is_found_as_recorded(family: str, names: str) -> None:
    """The same text typed as printed finds its holder, in both registers."""
    for found, typed in (
        (holder.person(family, names), (family, names)),
        (holder.single_field(family), (family, "")),
    ):
        # A field without any family name cannot be typed into the form.
        if found and holder.name_words(family):
            assert FINGERPRINTER.person_matches(*typed, recorded(*found))


_MARTEAU = (HolderKind.PERSON, "MARTEAU", ("PAULINE", "ODILE"))


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("marteau", "pauline"),
        ("Märteau", "Paulíne"),
        ("MAR-TEAU", "PAULINE"),
        ("MAR TEAU", "PAULINE ODILE"),
        ("M'ARTEAU", "PAULINE-ODILE"),
        ("MARTEAUX", "PAULINE"),
        ("MARTEAUD", "PAULINE"),
        ("MARTEAU", "PAULYNE"),
        ("MARTEAU NEE FERRIOL", "PAULINE"),
        ("FERRIOL NÉE MARTEAU", "PAULINE"),
        ("DE MARTEAU", "PAULINE"),
        ("MARTEAU", "ODILE, PAULINE"),
        ("MARTEAU", "PAULINE JEANNE"),
        ("MARTEAU ODILE", ""),
        ("ODILE PAULINE MARTEAU", ""),
        ("PAULINE", "MARTEAU"),
        # As little alike as a family name may be, which one word alone is
        ("AAORTEAU", ""),
    ],
)
def test_slips_that_are_understood(family: str, names: str) -> None:
    found = recorded(Holder(*_MARTEAU))
    assert FINGERPRINTER.person_matches(family, names, found)


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("MARTIN", "PAULINE"),
        ("MERCIER", "PAULINE ODILE"),
        ("MARTEAU", "PIERRE"),
        ("MARTEAU", "LISE"),
        ("PAULINE", "ODILE"),
        ("PAULINE ODILE", ""),
        ("MARTEAU PIERRE", ""),
        ("PIERRE MARTEAU", ""),
        ("PIERRE", "MARTEAU"),
        ("MAR", "PAULINE"),
        ("", "PAULINE ODILE"),
        ("2", "PAULINE"),
    ],
)
def test_strangers_are_refused(family: str, names: str) -> None:
    found = recorded(Holder(*_MARTEAU))
    assert not FINGERPRINTER.person_matches(family, names, found)


@pytest.mark.parametrize(
    ("family", "matches"),
    [
        ("ROY", True),
        ("Roy", True),
        ("R.O.Y.", True),
        ("LE ROY", True),
        ("DU ROY", True),
        ("ROI", False),
        ("ROYE", False),
        ("LEROY", False),
        ("RO", False),
    ],
)
def test_a_short_name_counts_whole_but_for_a_particle(
    family: str, matches: bool
) -> None:
    found = recorded(*holder.person("ROY", "JULES"))
    assert FINGERPRINTER.person_matches(family, "JULES", found) is matches


@pytest.mark.parametrize(
    "printed",
    [
        *("LE ROY", "DE ROY", "D'ROY", "BEN ROY", "DU ROY", "DE LA ROY", "LA ROY"),
        *("DES ROY", "DA ROY", "DOS ROY", "EL ROY"),
    ],
)
def test_a_name_may_be_typed_without_its_particle(printed: str) -> None:
    found = recorded(*holder.person(printed, "JULES"))
    assert FINGERPRINTER.person_matches("ROY", "JULES", found)
    assert not FINGERPRINTER.person_matches("ROI", "JULES", found)


# MARTEAU, typed less and less like it.
_LESS_AND_LESS = (
    "AOMARTEAU", "AMARTEAU", "ARTEAU", "AAMARTEAU", "AAARTEAU", "AAORTEAU", "AAOTEAU",
    "AAERTEAU", "AAATEAU", "AAETEAU", "AMARTAEU",
)  # fmt: skip


def _matched(matches: Callable[[str], bool]) -> list[str]:
    return [typed for typed in _LESS_AND_LESS if matches(typed)]


def _at_least(likeness: float, bits: int) -> list[str]:
    def filled(text: str) -> int:
        return spec.filter_bits(text, SPEC_KEYS.table, bits)

    return [
        typed
        for typed in _LESS_AND_LESS
        if spec.likeness(filled(typed), filled("MARTEAU")) >= likeness
    ]


def test_a_likeness_that_is_just_reached_is_enough() -> None:
    typed, printed = "ATUORNELLE", "TOURNELLE"
    x, y = (spec.filter_bits(one, SPEC_KEYS.table, 128) for one in (typed, printed))
    assert spec.likeness(x, y) == 0.60
    found = recorded(*holder.single_field(f"QUIBUS {printed}"))
    assert FINGERPRINTER.person_matches("QUIBUS", typed, found)


def test_without_given_names_on_record_nothing_but_the_family_name_counts() -> None:
    found = recorded(*holder.person("MARTEAU", ""))
    matches = FINGERPRINTER.person_matches
    assert matches("MARTEAU", "PAUL", found)
    assert matches("MARTEAU PAUL", "", found)
    assert not matches("PAUL", "MARTEAU", found)
    assert not matches("GRANDIN MARTEAU", "", found)


def test_a_family_name_is_never_left_out_though_it_be_a_particle() -> None:
    found = recorded(*holder.person("DE", "JULES"))
    assert not FINGERPRINTER.person_matches("JULES", "", found)


def test_a_short_name_typed_in_two_words_is_one() -> None:
    found = recorded(*holder.person("LEO", "JULES"))
    assert FINGERPRINTER.person_matches("LE O", "JULES", found)


@pytest.mark.parametrize(
    ("printed", "typed"), [("JEAN PAUL", "JEANPAUL"), ("JEANPAUL", "JEAN PAUL")]
)
def test_two_given_names_may_be_typed_as_one_and_one_as_two(
    printed: str, typed: str
) -> None:
    found = recorded(*holder.person("MARTEAU", printed))
    assert FINGERPRINTER.person_matches("MARTEAU", typed, found)


def test_an_ou_among_given_names_is_none() -> None:
    found = recorded(*holder.person("MARTEAU", "PAULINE"))
    assert FINGERPRINTER.person_matches("MARTEAU", "OU", found)


def test_no_word_is_remembered_unless_asked_for() -> None:
    def remembered(fingerprinter: Fingerprinter) -> int:
        fingerprinter.fingerprint(Holder(HolderKind.PERSON, "MARTEAU", ("PAULINE",)))
        return sum(map(len, fingerprinter._stored.values()))

    assert remembered(Fingerprinter(KEYS.bigram_table, KEYS.siren_tag)) == 0
    job = Fingerprinter(KEYS.bigram_table, KEYS.siren_tag, remembered_words=1)
    assert remembered(job) == 1


def test_the_same_name_typed_twice_is_no_second_name() -> None:
    found = recorded(*holder.single_field("MARTEAU JEAN PIERRE"))
    assert not FINGERPRINTER.person_matches("MARTEAU", "MARTEAU", found)


def test_the_length_of_a_long_part_has_two_bytes() -> None:
    found = Holder(HolderKind.PERSON, "A" * 300, ())
    assert holder_bytes([found]) == (
        b"\x01\x03\x00\x06person\x01\x2c" + b"A" * 300 + b"\x00\x00"
    )


def test_each_of_several_holders_may_be_the_company() -> None:
    person = holder.person("MARTEAU", "PAULINE")
    other, meant = (
        holder.company(name, number)
        for name, number in (("FERRIOL", "987654321"), ("GRANDIN", "123456789"))
    )
    matches = FINGERPRINTER.company_matches
    assert matches("GRANDIN", None, recorded(*person, *meant))
    assert matches("GRANDIN", "123456789", recorded(*other, *meant))
    assert not matches("GRANDIN", "987654321", recorded(*other, *meant))


def test_a_name_of_more_letters_need_not_be_equal() -> None:
    found = recorded(*holder.person("ROYERE", "JULES"))
    assert FINGERPRINTER.person_matches("ROYER", "JULES", found)
    assert not FINGERPRINTER.person_matches("ROYE", "JULES", found)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        # The first birth name alone parts a holder.
        (
            "MARTEAU NEE FERRIOL NEE GRANDIN ODILE",
            [
                ("MARTEAU", "NEE", "GRANDIN", "ODILE"),
                ("FERRIOL", "NEE", "GRANDIN", "ODILE"),
            ],
        ),
        # Every sign between holders, of whom two are kept
        (
            "MARTEAU PAUL / FERRIOL ODILE & GRANDIN LEO - ROCHER EVE",
            [("MARTEAU", "PAUL"), ("FERRIOL", "ODILE")],
        ),
        # A title in single letters is no co-holder, and has no birth name.
        ("MARTEAU PAUL ET M R", [("MARTEAU", "PAUL")]),
        ("M. NEE FERRIOL ODILE", []),
    ],
)
def test_holders_of_one_field(names: str, words: list[tuple[str, ...]]) -> None:
    assert [found.words for found in holder.single_field(names)] == words


def test_each_likeness_that_is_asked_for_is_needed_and_enough() -> None:
    """Those of SPEC.md section 3."""
    person, company = FINGERPRINTER.person_matches, FINGERPRINTER.company_matches
    family = recorded(*holder.person("MARTEAU", "ANNE"))
    given = recorded(*holder.person("QUIBUS", "MARTEAU"))
    first = recorded(*holder.single_field("MARTEAU LEO"))
    other = recorded(*holder.single_field("QUIBUS MARTEAU"))
    whole = recorded(*holder.single_field("MARTEAU"))
    named = recorded(*holder.company("MARTEAU", None))
    numbered = recorded(*holder.company("MARTEAU", "123456789"))
    found = {
        0.62: _matched(lambda typed: person(typed, "ANNE", family)),
        0.58: _matched(lambda typed: person("QUIBUS", typed, given)),
        0.66: _matched(lambda typed: person(typed, "LEO", first)),
        0.60: _matched(lambda typed: person("QUIBUS", typed, other)),
        0.85: _matched(lambda typed: person(typed, "", whole)),
        0.80: _matched(lambda typed: company(typed, None, named)),
        0.50: _matched(lambda typed: company(typed, "123456789", numbered)),
    }
    for likeness, matched in found.items():
        bits = 256 if likeness in (0.80, 0.50) else 128
        assert matched == _at_least(likeness, bits), likeness


def test_each_of_two_holders_is_recognised_and_nobody_between_them() -> None:
    found = recorded(*holder.single_field("MARTEAU PAUL ET FERRIOL ODILE"))
    matches = FINGERPRINTER.person_matches
    assert matches("MARTEAU", "PAUL", found)
    assert matches("FERRIOL", "ODILE", found)
    assert matches("FERRIOL ODILE ET MARTEAU PAUL", "", found)
    assert matches("MARTEAU PAUL OU GRANDIN LEO", "", found)
    assert not matches("GRANDIN LEO OU GRANDIN EVE", "", found)
    assert not matches("MARTEAU", "ODILE", found)
    assert not matches("FERRIOL", "PAUL", found)


@pytest.mark.parametrize(
    "printed", ["MARTEAU ODILE NEE FERRIOL", "MARTEAU NEE FERRIOL ODILE"]
)
def test_a_married_woman_is_found_under_both_names(printed: str) -> None:
    found = recorded(*holder.single_field(printed))
    matches = FINGERPRINTER.person_matches
    assert matches("MARTEAU", "ODILE", found)
    assert matches("FERRIOL", "ODILE", found)
    assert matches(printed, "", found)
    assert not matches("MARTEAU", "", found)
    assert not matches("MARTEAU", "GERARD", found)


def test_a_lone_common_given_name_never_passes() -> None:
    for printed in ("MARTEAU JEAN", "MARTEAU JEAN PIERRE", "LE ROY JEAN"):
        found = recorded(*holder.single_field(printed))
        assert not FINGERPRINTER.person_matches("JEAN", "", found)
        assert not FINGERPRINTER.person_matches("FERRIOL", "JEAN", found)


def test_one_attempt_is_one_guess_and_not_a_list_of_names() -> None:
    common = "GRANDIN/ROCHER/FERRIOL/BOISVERT/CHARMEL/LORIENT/MARTEAU"
    listed = common.replace("/", " ")
    given_names = "JULES LEO EVE ODILE GERARD MARIE ANNE PAUL"
    person = recorded(*holder.person("MARTEAU", "PAUL"))
    one_field = recorded(*holder.single_field("MARTEAU PAUL"))
    matches = FINGERPRINTER.person_matches
    assert not matches(common, "", person)
    assert not matches(f"PAUL {listed}", "", person)
    assert not matches(f"{listed} NEE PAUL {listed}", "", person)
    assert not matches(common, "PAUL", person)
    assert not matches("MARTEAU", given_names, person)
    assert not matches(common, "PAUL", one_field)
    assert not matches("MARTEAU", given_names, one_field)
    assert not matches(f"{listed} PAUL", "", one_field)
    assert not matches(f"{listed} NEE {listed}", "PAUL", one_field)
    assert not matches("GRANDIN NEE ROCHER NEE MARTEAU", "PAUL", person)


class _Counted(bytes):
    """A bigram table that counts how often it is looked into."""

    looked_up = 0

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        self.looked_up += 1
        return super().__getitem__(place)


def _work(family: str, names: str, *recorded: Fingerprint) -> int:
    table = _Counted(KEYS.bigram_table)
    fingerprinter = Fingerprinter(table, KEYS.siren_tag)
    assert not fingerprinter.person_matches(family, names, recorded)
    return table.looked_up


def test_a_long_field_is_no_more_work_than_six_words() -> None:
    (person,) = recorded(*holder.person("MARTEAU", "PAUL"))
    six = " ".join(["GRANDIN"] * 6)
    work = _work(six, "", person)
    assert _work(" ".join(["GRANDIN"] * 25), "", person) == work
    # The whole, two holders, and of each what stands before and after its birth name.
    listed = "/".join([f"{six} NEE {six}"] * 4)
    assert _work(listed, "", person) <= 7 * work


@pytest.mark.parametrize(
    "typed", [("GRANDIN", ""), ("GRANDIN", "LEO EVE"), ("GRANDIN DE LEO EVE", "")]
)
def test_a_refusal_is_the_same_work_with_given_names_recorded_and_without(
    typed: tuple[str, str],
) -> None:
    (whole,) = recorded(*holder.person("MARTEAU", "PAUL"))
    (nameless,) = recorded(*holder.person("MARTEAU", ""))
    assert _work(*typed, whole) == _work(*typed, nameless)


def test_a_company_is_recognised_by_its_number_or_its_name() -> None:
    matches = FINGERPRINTER.company_matches
    found = recorded(*holder.company("SARL ATELIERS MARTEAU", "123456789"))
    assert matches("ATELIERS MARTEAU", None, found)
    assert matches("ATELIER MARTEAU SAS", None, found)
    assert matches("MARTEAU", "123456789", found)
    assert not matches("MARTEAU", None, found)
    assert not matches("ATELIERS MARTEAU", "987654321", found)
    assert not matches("ZINC", "123456789", found)
    unnumbered = recorded(*holder.company("ATELIERS MARTEAU", None))
    assert matches("ATELIERS MARTEAU", "987654321", unnumbered)
    assert not matches("MARTEAU", "123456789", unnumbered)


def test_a_person_is_no_company_and_a_company_no_person() -> None:
    person = recorded(*holder.person("MARTEAU", "PAULINE"))
    company = recorded(*holder.company("MARTEAU PAULINE", "123456789"))
    assert not FINGERPRINTER.company_matches("MARTEAU PAULINE", None, person)
    assert not FINGERPRINTER.company_matches("MARTEAU PAULINE", "123456789", person)
    assert not FINGERPRINTER.person_matches("MARTEAU", "PAULINE", company)
    assert not FINGERPRINTER.person_matches("MARTEAU PAULINE", "", company)


def test_no_record_of_a_holder_is_matched_by_nobody() -> None:
    assert not FINGERPRINTER.person_matches("MARTEAU", "PAULINE", ())
    assert not FINGERPRINTER.company_matches("MARTEAU", "123456789", ())


def test_two_releases_share_no_fingerprint() -> None:
    one = Holder(HolderKind.PERSON, "MARTEAU", ("PAULINE",))
    table = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(43))[:1369]
    other = Fingerprinter(table, KEYS.siren_tag)
    assert other.fingerprint(one) != FINGERPRINTER.fingerprint(one)
    assert not other.person_matches("MARTEAU", "PAULINE", recorded(one))


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"family": "MARTEAU", "given": "PAULINE ODILE"}, Initials("M.", "P. O.")),
        ({"family": "De La Tournelle"}, Initials("D. L. T.")),
        ({"family": "D'ÉTÉ", "given": "Anne-Lise"}, Initials("D.", "A. L.")),
        ({"family": "A B C D E F"}, Initials("A. B. C. D.")),
        ({"family": "", "given": "***"}, Initials()),
        (
            {"company": "ATELIER 2000 MARTEAU", "siren": "123456789"},
            Initials(company="A. M.", siren_prefix="123"),
        ),
        ({"company": "2000", "siren": None}, Initials()),
    ],
)
def test_initials(names: dict[str, str], shown: Initials) -> None:
    assert holder.initials(**names) == shown


def test_initials_tell_no_length() -> None:
    assert holder.initials(family="M") == holder.initials(family="MARTEAU")
