"""Property 11: from a report for others, as page, as PDF or as JSON, nobody tells the
formula number or the issue date better than docs/report.md allows, nor the end of the
VIN, which is asked for beside them.

The attack reads the page and the document as anybody would who was given a link, and
knows the real certificate only to check itself. It is first shown to find what was
planted. All real records: make proofs ONLY=links.
"""

import dataclasses
import datetime as dt
import html
import json
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import orjson
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from histovet.history import display
from histovet.history.dates import Precision, ShownDate
from histovet.history.document import Making, report_pdf
from histovet.history.report import Audience, Report, report
from histovet.inspections.inspected import Inspected, Source
from histovet.partners.ancestor import ancestor_document
from pseudonymizer.records import Inspection, Operation, Record, Register, Vehicle
from pseudonymizer.registration import Layout
from tests import extract
from tests.poppler import text_of

AS_OF = dt.date(2021, 10, 26)
# Every page names the arrêté by its day.
STICKER_LAW = dt.date(2016, 6, 21)
# Apart from every certificate: the page says until when the link opens.
EXPIRES = dt.datetime(2031, 1, 2, 3, 4, tzinfo=dt.UTC)
SAMPLED = 30

_FRENCH = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre "
    "décembre"
)
_ENGLISH = (
    "january february march april may june july august september october november "
    "december"
)
_MONTHS = {
    name: number
    for names in (_FRENCH, _ENGLISH)
    for number, name in enumerate(names.split(), 1)
}
_DATES = (
    re.compile(
        r"(?<!\d)(?P<year>(?:18|19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)"
    ),
    re.compile(r"(?<!\d)(?P<day>\d\d)[/.-](?P<month>\d\d)[/.-](?P<year>\d{4})(?!\d)"),
    re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d\d)(?P<month>\d\d)(?P<year>(?:19|20)\d\d)(?!\d)"),
    re.compile(
        r"(?<!\d)(?P<day>\d{1,2})(?:er)? (?P<month>[a-zéû]+),? (?P<year>\d{4})(?!\d)"
    ),
    re.compile(r"(?P<month>[a-zéû]+) (?P<day>\d{1,2}),? (?P<year>\d{4})(?!\d)"),
)


@dataclass(frozen=True)
class Printed:
    """What a certificate has printed on it, and the register's record of it."""

    plate: str
    proof: str
    record: Record

    @property
    def period(self) -> list[dt.date]:
        """Every day that a report for others leaves open: of the month for the SIV, of
        the year for the FNI."""
        issued = self.record.issue_date
        by_month = self.record.register is Register.SIV
        first = issued.replace(day=1) if by_month else issued.replace(month=1, day=1)
        days = (first + dt.timedelta(days=number) for number in range(366))
        return [
            day
            for day in days
            if day.year == issued.year and (not by_month or day.month == issued.month)
        ]


def real() -> Iterator[Printed]:
    """Yield each certificate of the extract whose record has the day of its issue."""
    layouts: dict[tuple[str, ...], Layout] = {}
    for line in extract.lines():
        header = tuple(line)
        layout = layouts.setdefault(header, Layout.of(list(header)))
        record = layout.registration(list(line.values())).record
        if record.issue_date is not None:
            proof = line.get("numero_formule") or line["date_emission_CI"]
            yield Printed(line["plaq_immat"], proof, record)


def read_by(audience: Audience, record: Record) -> Report:
    return report(
        record,
        audience=audience,
        as_of=AS_OF,
        inspected=inspected_beside(record.issue_date),
    )


def inspected_beside(issued: dt.date) -> Inspected:
    """Return inspections of the day of the certificate, and of others long before."""
    years_before = issued.replace(year=issued.year - 4, day=min(issued.day, 28))
    return Inspected(
        (
            Inspection(issued, "VTP", "A", 84_000),
            Inspection(years_before.replace(month=1, day=1), "VTP", "A", 41_000),
        ),
        Source.UTAC,
        AS_OF,
        None,
    )


def page(read: Report, language: str = "fr") -> str:
    """Return the buyer's page as it is sent."""
    with translation.override(language):
        context = {
            "page": display.page(read, check_at="/r/AAAAAAAAAAAAAAAA/verifier"),
            "expires_at": EXPIRES,
            "public_id": "A" * 16,
        }
        request = RequestFactory().get("/r/AAAAAAAAAAAAAAAA")
        request.LANGUAGE_CODE = language
        return render_to_string("sharing/report.html", context, request)


def paper(read: Report) -> str:
    """Return every text that the PDF is made of."""
    with translation.override("fr"):
        made = display.page(read, plain=True)
    return json.dumps(dataclasses.asdict(made), ensure_ascii=False, default=str)


def document(read: Report) -> dict:
    """Return the JSON as a partner reads it."""
    made = ancestor_document(read, release="essai", inspections=True)
    return json.loads(orjson.dumps(made))


def as_text(markup: str) -> str:
    """Return what stands in a page, attributes and all, with plain spaces."""
    text = html.unescape(re.sub("</?sup>", "", markup))
    return re.sub(r"\s+", " ", text)


def dates_in(text: str) -> set[dt.date]:
    """Return every day that the text names in any usual form."""
    found = set()
    for form in _DATES:
        for match in form.finditer(text.lower()):
            month = match["month"]
            number = _MONTHS.get(month, 0) if month.isalpha() else int(month)
            try:
                found.add(dt.date(int(match["year"]), number, int(match["day"])))
            except ValueError:
                # Thirteen months, or no month at all: some other number.
                continue
    return found


def values_in(part, path="") -> Iterator[tuple[str, object]]:
    if isinstance(part, dict):
        for name, value in part.items():
            yield from values_in(value, f"{path}/{name}")
    elif isinstance(part, list):
        for place, value in enumerate(part):
            yield from values_in(value, f"{path}/{place}")
    else:
        yield path, part


def _parted(text: str) -> str:
    """Return a pattern for the text with whatever stands between its parts, or not."""
    plain = re.sub("[^0-9A-Z]", "", text.upper())
    return r"(?<![0-9A-Z])" + r"[\s.\-]*".join(plain) + r"(?![0-9A-Z])"


def leaks(printed: Printed, pages: list[str], answer: dict) -> list[str]:
    """Return what of the certificate is given away, by the name of the thing: the
    message of a failing test is a log too."""
    found = set()
    texts = [as_text(one) for one in pages]
    period = set(printed.period) - {AS_OF, STICKER_LAW}
    for text in texts:
        if dates_in(text) & period:
            found.add("a day of the period, on the page")
    coarse = answer["histovet"]["precisions"]
    # What is counted from a coarse date, as the next inspection, lies in another period.
    is_siv = printed.record.register is Register.SIV
    first = "-01" if is_siv else "-01-01"
    for path, value in values_in(answer):
        if path.startswith("/histovet/precisions"):
            continue
        if path not in coarse and isinstance(value, str) and dates_in(value) & period:
            found.add(f"a day of the period, in {path}")
        if path in coarse and not str(value).endswith(first):
            found.add(f"another day than the first, in {path}")
    whole = [*texts, json.dumps(answer, ensure_ascii=False)]
    secret = {}
    # One of two digits stands in every report, as the day of some operation.
    if sum(character.isalnum() for character in printed.plate) >= 4:
        secret["the plate"] = printed.plate
    if printed.record.register is Register.SIV:
        secret["the formula number"] = printed.proof
        secret["the formula number's end"] = printed.proof[-7:]
    for name, value in secret.items():
        if any(re.search(_parted(value), text.upper()) for text in whole):
            found.add(name)
    postal_code = printed.record.postal_code
    holder = answer["vehicule"]["certificat_immatriculation"].get("titulaire", {})
    if postal_code and (
        postal_code in {value for _, value in values_in(holder)}
        or any(re.search(f"<td>{postal_code}</td>", one) for one in pages)
    ):
        found.add("the postal code")
    end = vin_end(printed.record)
    # Fewer characters stand in every report, as a number of something.
    if len(end) >= 4 and any(
        re.search(re.escape(end) + r"(?![0-9A-Z])", text.upper()) for text in whole
    ):
        found.add("the end of the VIN")
    return sorted(found)


def vin_end(record: Record) -> str:
    """Return as much of the end of the VIN as the register shows, 5 of a whole one."""
    return (record.vehicle.vin or "").upper().rpartition("*")[2][-5:]


def moved(value, day: dt.date, other: dt.date):
    """Return the record with all that is dated on `day` dated on `other`."""
    if isinstance(value, dt.date):
        return other if value == day else value
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        changes = {name: moved(getattr(value, name), day, other) for name in names}
        return msgspec.structs.replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(moved(item, day, other) for item in value)
    return value


def candidates(printed: Printed, audience: Audience = Audience.OTHERS) -> list[dt.date]:
    """Return the days on which the certificate may be of, for all that the report for
    others tells: those of the period, not after the register's own date, that lead to
    the very same report. What else is dated in the period is without a day, so that it
    orders none of them."""
    issued = printed.record.issue_date
    shared = read_by(audience, printed.record)
    return [
        day
        for day in printed.period
        if day <= shared.as_of
        and read_by(audience, moved(printed.record, issued, day)) == shared
    ]


def other_ends(record: Record) -> list[Record]:
    """Return the record with other characters wherever its VIN has some behind the
    fourth: all of one digit, ten times."""
    vin = record.vehicle.vin or ""
    return [
        msgspec.structs.replace(
            record,
            vehicle=msgspec.structs.replace(
                record.vehicle, vin=vin[:4] + re.sub(r"[^*]", digit, vin[4:])
            ),
        )
        for digit in "0123456789"
    ]


def ends_left(printed: Printed, audience: Audience = Audience.OTHERS) -> int:
    """Return how many of those VINs lead to the very same report."""
    shared = read_by(audience, printed.record)
    others = other_ends(printed.record)
    return sum(read_by(audience, other) == shared for other in others)


def figures_of(counts: list[int]) -> dict[str, float]:
    return {
        "certificates": len(counts),
        "fewest": min(counts),
        "median": statistics.median(counts),
        "most": max(counts),
    }


ISSUED = dt.date(2019, 6, 14)
MADE_UP = Printed(
    plate="ZQ-987-XW",
    proof="2019ZQ98761",
    record=Record(
        register=Register.SIV,
        masked_plate="ZQ-9**-XW",
        postal_code="69003",
        first_registration=dt.date(2017, 3, 9),
        issue_date=ISSUED,
        last_change=dt.date(2019, 6, 1),
        vehicle=Vehicle(make="RENAULT", vin="VF1RFB00X12345678"),
        operations=(
            Operation("CHANG_TIT_NORMAL", ISSUED),
            Operation("DECLARATION_CESSION", dt.date(2019, 6, 12)),
            Operation("IMMAT_NORMALE", dt.date(2017, 3, 9)),
        ),
    ),
)


def test_dates_are_found_in_every_form():
    for text in (
        "2019-06-14",
        '<time datetime="2019-06-14T01:02">',
        "14/06/2019",
        "14.06.2019",
        "20190614",
        "14062019",
        "le 14\u00a0juin 2019",
        "June 14, 2019",
        "14 June 2019",
    ):
        assert dates_in(as_text(text)) == {ISSUED}, text
    assert dates_in(as_text("1<sup>er</sup>\u00a0août 2019")) == {dt.date(2019, 8, 1)}
    assert dates_in("juin 2019, 2019-06, 99/99/2019, 7 chevaux 2019") == set()


def test_the_attack_finds_all_in_the_report_of_the_holder():
    read = read_by(Audience.HOLDER, MADE_UP.record)
    found = leaks(MADE_UP, [page(read)], document(read))
    assert "a day of the period, on the page" in found
    assert "the postal code" in found
    assert sum(name.startswith("a day of the period, in /") for name in found) >= 3


def test_the_attack_finds_each_thing_that_is_planted():
    clean = read_by(Audience.OTHERS, MADE_UP.record)
    pages = [page(clean), page(clean, "en"), paper(clean)]
    assert leaks(MADE_UP, pages, document(clean)) == []
    assert (
        leaks(
            MADE_UP,
            [paper(read_by(Audience.HOLDER, MADE_UP.record))],
            {**document(clean)},
        )
        != []
    )
    exact = ShownDate(dt.date(2019, 6, 12), Precision.DAY)
    planted = {
        "a day beside it": dataclasses.replace(clean, last_change=exact),
        "an operation beside it": dataclasses.replace(
            clean,
            operations=(
                dataclasses.replace(clean.operations[0], date=exact),
                *clean.operations[1:],
            ),
        ),
        "the plate": dataclasses.replace(clean, masked_plate="ZQ987XW"),
        "the VIN": dataclasses.replace(clean, vehicle=MADE_UP.record.vehicle),
        "the end of the VIN": dataclasses.replace(
            clean, vehicle=Vehicle(make="RENAULT", vin="VF1R********45678")
        ),
        "that end elsewhere": dataclasses.replace(
            clean, vehicle=Vehicle(make="RENAULT", variant="A45678")
        ),
        "the postal code": dataclasses.replace(
            clean,
            certificate=dataclasses.replace(clean.certificate, place="69003"),
        ),
        "an inspection of the day": dataclasses.replace(
            clean,
            inspections=dataclasses.replace(
                clean.inspections,
                listed=(
                    dataclasses.replace(clean.inspections.listed[0], date=exact),
                    *clean.inspections.listed[1:],
                ),
            ),
        ),
        "the formula number": dataclasses.replace(
            clean, vehicle=Vehicle(make="RENAULT", variant="2019-ZQ-98761")
        ),
    }
    for name, read in planted.items():
        assert leaks(MADE_UP, [page(read)], document(clean)) or leaks(
            MADE_UP, [page(clean)], document(read)
        ), name
    later = document(clean)
    later["vehicule"]["certificat_immatriculation"]["caracteristiques_techniques"][
        "date_emission"
    ] = "2019-06-14"
    assert leaks(MADE_UP, [page(clean)], later) != []


def test_a_report_that_tells_the_day_leaves_one_candidate():
    assert len(candidates(MADE_UP)) == 30
    assert candidates(MADE_UP, Audience.HOLDER) == [ISSUED]


def test_a_report_that_tells_the_end_of_the_vin_leaves_none_other():
    assert ends_left(MADE_UP) == 10
    assert ends_left(MADE_UP, Audience.HOLDER) == 0
    masked = dataclasses.replace(
        MADE_UP,
        record=msgspec.structs.replace(
            MADE_UP.record, vehicle=Vehicle(vin="VF1R********45678")
        ),
    )
    assert ends_left(masked) == 10
    assert ends_left(masked, Audience.HOLDER) == 0


def test_no_pdf_holds_the_end_of_the_vin():
    making = Making(EXPIRES, "https://histovet.example/verifier")
    on_paper = {}
    for audience in Audience:
        made = display.page(read_by(audience, MADE_UP.record), plain=True)
        pdf = report_pdf(made, making, link=None)
        assert b"/EmbeddedFile" not in pdf
        on_paper[audience] = "45678" in text_of(pdf)
    assert on_paper == {Audience.HOLDER: True, Audience.OTHERS: False}


def test_no_sampled_report_gives_its_certificate_away():
    found: dict[str, int] = {}
    days: dict[str, list[int]] = {"SIV": [], "FNI": []}
    for printed in list(real())[::SAMPLED]:
        read = read_by(Audience.OTHERS, printed.record)
        pages = [page(read), page(read, "en"), paper(read)]
        for name in leaks(printed, pages, document(read)):
            found[name] = found.get(name, 0) + 1
        days[printed.record.register].append(len(candidates(printed)))
        assert ends_left(printed) == 10
    assert found == {}
    assert min(len(counts) for counts in days.values()) >= 20
    assert min(days["SIV"]) >= 28
    assert min(days["FNI"]) >= 365
