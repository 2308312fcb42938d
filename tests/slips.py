"""Slips that people make when they copy a certificate, by rule, and strangers.

Each rule takes what is printed and yields what is typed instead; it yields nothing
where it does not apply. The same seed makes the same slips.
"""

import random
import re
import string
import unicodedata
from collections.abc import Callable, Iterator

from tests.extract import Printed

Typed = dict[str, str]
Rule = Callable[[Printed, random.Random], Iterator[Typed]]

_ACCENTED = {"E": "ÉÈÊË", "A": "ÀÂ", "I": "ÎÏ", "O": "ÔÖ", "U": "ÙÛÜ", "C": "Ç"}
_PARTICLES = ("DE", "DU", "LE", "LA", "DA", "DI", "DOS", "EL", "BEN", "VAN")
_FORMS = ("SARL", "SAS", "SA", "EARL", "EURL", "GAEC", "SCI")
_CO_HOLDER = re.compile(r" ET | OU |/| - ")


def _person(printed: Printed) -> bool:
    return not printed.is_company


def _two_fields(printed: Printed) -> bool:
    return bool(_person(printed) and printed.given_names)


def accents_added(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    places = [i for i, c in enumerate(printed.family_name) if c in _ACCENTED]
    if places:
        i, name = rng.choice(places), printed.family_name
        accent = rng.choice(_ACCENTED[name[i]])
        yield printed.form(family_name=name[:i] + accent + name[i + 1 :])


def accents_dropped(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    def plain(text: str) -> str:
        parted = unicodedata.normalize("NFD", text)
        return "".join(c for c in parted if not unicodedata.combining(c))

    names = printed.family_name, printed.given_names
    if names != (plain(names[0]), plain(names[1])):
        yield printed.form(family_name=plain(names[0]), given_names=plain(names[1]))


def lower_case(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    yield printed.form(
        family_name=printed.family_name.lower(),
        given_names=printed.given_names.title(),
        company_name=printed.company.lower(),
        plate=printed.plate.lower(),
    )


def separators(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    """Hyphen, space and apostrophe in place of each other, or left out."""
    for separator in (" ", "-", "'", "’", ""):
        for field, text in (
            ("family_name", printed.family_name),
            ("given_names", printed.given_names),
        ):
            # In the one field of FNI the separators also part the names.
            if printed.register == "FNI" and not separator:
                continue
            if _person(printed) and re.search("[ '-]", text):
                other = re.sub("[ '-]+", separator, text)
                if printed.register == "SIV" and not printed.given_names:
                    continue
                if separator in ("'", "’") and printed.register == "FNI":
                    continue
                yield printed.form(**{field: other})


def second_given_name_missing(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    given = re.split("[ -]+", printed.given_names)
    if _two_fields(printed) and len(given) > 1:
        yield printed.form(given_names=given[0])


def second_given_name_added(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    added = rng.choice(("MARIE", "PAUL", "ANNE", "LOUIS"))
    if _two_fields(printed):
        yield printed.form(given_names=f"{printed.given_names} {added}")
    elif _person(printed) and not _CO_HOLDER.search(printed.family_name):
        yield printed.form(family_name=f"{printed.family_name} {added}")


def given_names_missing(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    if _two_fields(printed):
        yield printed.form(given_names="")


def fields_swapped(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    if _two_fields(printed):
        yield printed.form(
            family_name=printed.given_names, given_names=printed.family_name
        )
    elif _person(printed) and not _CO_HOLDER.search(printed.family_name):
        first, *rest = printed.family_name.split()
        yield printed.form(family_name=" ".join((*rest, first)))


def one_field(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    if _two_fields(printed):
        both = f"{printed.family_name} {printed.given_names}"
        yield printed.form(family_name=both, given_names="")


def particle_missing(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    first, _, rest = printed.family_name.partition(" ")
    if _person(printed) and rest and first in _PARTICLES:
        yield printed.form(family_name=rest)


def particle_added(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    if _two_fields(printed):
        yield printed.form(family_name=f"DE {printed.family_name}")


def saint(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    short = re.sub(r"\bSAINT\b", "ST", printed.family_name)
    long = re.sub(r"\bST\b", "SAINT", printed.family_name)
    for other in {short, long} - {printed.family_name}:
        yield printed.form(family_name=other)


def title_typed(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    if _person(printed):
        title = rng.choice(("M.", "Mme", "MLLE", "Monsieur", "M. ou Mme"))
        yield printed.form(family_name=f"{title} {printed.family_name}")


def one_of_two_holders(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    parts = _CO_HOLDER.split(printed.family_name)
    if _person(printed) and len(parts) == 2:
        yield printed.form(family_name=parts[0])
        if len(parts[1].split()) > 1:
            yield printed.form(family_name=parts[1])


def one_letter_wrong(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    """In one name of five letters or more."""
    for field, text in (
        ("family_name", printed.family_name),
        ("given_names", printed.given_names),
    ):
        words = text.split()
        long = [i for i, w in enumerate(words) if len(w) >= 5 and w.isalpha()]
        if _person(printed) and long:
            i = rng.choice(long)
            place = rng.randrange(len(words[i]))
            letter = rng.choice(
                [c for c in string.ascii_uppercase if c != words[i][place]]
            )
            words[i] = words[i][:place] + letter + words[i][place + 1 :]
            yield printed.form(**{field: " ".join(words)})


def company_form(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    """Legal form added, left out, or written with dots."""
    if not printed.is_company:
        return
    form = rng.choice(_FORMS)
    words = printed.company.split()
    plain = [w for w in words if w.replace(".", "") not in _FORMS]
    if plain and len(plain) < len(words):
        yield printed.form(company_name=" ".join(plain))
    else:
        yield printed.form(company_name=f"{form} {printed.company}")
        yield printed.form(company_name=f"{printed.company} {'.'.join(form)}.")


def siret_for_siren(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    if printed.is_company and printed.siren != "000000000":
        yield printed.form(siren=f"{printed.siren}{rng.randrange(10**5):05}")
        yield printed.form(siren="")


def look_alikes(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    """O for 0 and I for 1, and the other way round, in plate and formula number."""
    swap = str.maketrans("01OI", "OI01")
    plate, formula = printed.plate.translate(swap), printed.proof.translate(swap)
    if plate != printed.plate:
        yield printed.form(plate=plate)
    if printed.register == "SIV" and formula != printed.proof:
        yield printed.form(formula_number=formula)


def plate_separators(printed: Printed, rng: random.Random) -> Iterator[Typed]:
    plain = re.sub("[^0-9A-Z]", "", printed.plate)
    parted = " ".join(re.findall("[0-9]+|[A-Z]+", plain))
    for other in {plain, parted, f" {printed.plate} "} - {printed.plate}:
        yield printed.form(plate=other)


RULES: tuple[Rule, ...] = (
    accents_added, accents_dropped, lower_case, separators, second_given_name_missing,
    second_given_name_added, given_names_missing, fields_swapped, one_field,
    particle_missing, particle_added, saint, title_typed, one_of_two_holders,
    one_letter_wrong, company_form, siret_for_siren, look_alikes, plate_separators,
)  # fmt: skip


def _apart(one: Printed, other: Printed) -> bool:
    """Tell whether two certificates are of people or companies that differ."""
    return (one.family_name, one.given_names, one.company) != (
        other.family_name, other.given_names, other.company
    )  # fmt: skip


def strangers(
    certificates: list[Printed], count: int, rng: random.Random
) -> Iterator[tuple[Printed, Typed]]:
    """Yield the right certificate with another real holder's name, `count` times: in
    the one field of FNI all of it, as on a certificate of FNI."""
    made = 0
    while made < count:
        one, other = rng.sample(certificates, 2)
        if one.is_company == other.is_company and _apart(one, other):
            made += 1
            family, given = other.family_name, other.given_names
            if one.register == "FNI":
                family, given = f"{family} {given}".strip(), ""
            yield (
                one,
                one.form(
                    family_name=family,
                    given_names=given,
                    company_name=other.company,
                    siren=other.siren,
                ),
            )


def half_strangers(
    certificates: list[Printed], count: int, rng: random.Random, *, same: str
) -> Iterator[tuple[Printed, Typed]]:
    """Yield the right certificate with the right family name or given name (`same`)
    and another real holder's other name, `count` times. SIV only: FNI has one field."""
    persons = [c for c in certificates if c.register == "SIV" and _two_fields(c)]
    other_field = {"family_name": "given_names", "given_names": "family_name"}[same]
    made = 0
    while made < count:
        one, other = rng.sample(persons, 2)
        if getattr(one, other_field) != getattr(other, other_field):
            made += 1
            yield one, one.form(**{other_field: getattr(other, other_field)})
