"""What is printed: every text of the page, tagged, as data and never as markup."""

import dataclasses
import datetime as dt
import io
import itertools
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pikepdf
import pytest
import segno
import typst
from django.utils import timezone, translation

from histovet.history import document
from histovet.history.document import report_pdf, situation_pdf
from histovet.history.page import (
    Figure,
    Grid,
    Items,
    Paragraph,
    ReportPage,
    Row,
    Section,
    Table,
    Timeline,
)
from histovet.history.signatory import signatory
from histovet.history.signature import sign
from tests.history.paper import CANCELLED, CLEAN, HISTORY, LINK, MAKING, RICH, SITUATION
from tests.poppler import text_of


@pytest.fixture(autouse=True)
def french():
    with translation.override("fr"):
        yield


def squeezed(text: str) -> str:
    """Without what lines and tables add: pages break texts where they please."""
    return re.sub(r"\s+", "", text)


def texts(value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from itertools.chain.from_iterable(map(texts, value.values()))
    elif isinstance(value, list | tuple):
        yield from itertools.chain.from_iterable(map(texts, value))


def said_by(sections: tuple[Section, ...]) -> Iterator[str]:
    for section in sections:
        yield from (section.title, section.source)
        for block in section.blocks:
            built = msgspec.to_builtins(block)
            # Names of ours, and what is drawn and described.
            for name in ("tone", "svg", "description", "choices"):
                built.pop(name, None)
            yield from texts(built)


def opened(made: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(made))


def elements(made: bytes) -> Iterator[pikepdf.Dictionary]:
    def under(node) -> Iterator[pikepdf.Dictionary]:
        if isinstance(node, pikepdf.Array):
            for child in node:
                yield from under(child)
        elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
            yield node
            yield from under(node.get("/K"))

    # Its elements refer back to their parents: they are read while the file is open.
    with opened(made) as pdf:
        yield from under(pdf.Root.StructTreeRoot.K)


def pages_of(made: bytes) -> int:
    with opened(made) as pdf:
        return len(pdf.pages)


DOCUMENTS = {
    "report": lambda: report_pdf(RICH, MAKING, link=LINK),
    "clean report": lambda: report_pdf(CLEAN, MAKING, link=None),
    "situation": lambda: situation_pdf(RICH, MAKING, link=LINK),
    "cancelled": lambda: situation_pdf(CANCELLED, MAKING, link=None),
}


@pytest.mark.parametrize("make", DOCUMENTS.values(), ids=DOCUMENTS)
def test_it_says_that_it_is_tagged_and_of_which_standards(make):
    with opened(make()) as pdf:
        assert pdf.Root.MarkInfo.Marked is True
        assert str(pdf.Root.Lang) == "fr"
        assert pdf.Root.ViewerPreferences.DisplayDocTitle is True
        assert "histovet" in str(pdf.docinfo.Author)
        assert "PEUGEOT 208" in str(pdf.docinfo.Title)
        metadata = pdf.open_metadata()
        assert metadata.pdfa_status == "2A"
        assert metadata["pdfuaid:part"] == "1"
        assert "PEUGEOT 208" in metadata["dc:title"]
        assert {str(page.Tabs) for page in pdf.pages} == {"/S"}


@pytest.mark.parametrize("make", DOCUMENTS.values(), ids=DOCUMENTS)
def test_headings_go_down_by_one_step_at_most(make):
    levels = [
        int(str(one.S)[2:])
        for one in elements(make())
        if re.fullmatch("/H[1-6]", str(one.S))
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_tables_have_heads_and_lists_are_lists():
    counted = Counter(
        str(one.S) for one in elements(report_pdf(RICH, MAKING, link=LINK))
    )
    assert counted["/Table"] == counted["/THead"] == counted["/Caption"] == 4
    # Two columns, three with a box, and as many as a grid has.
    assert counted["/TH"] == 2 + 3 + 3 + 4
    assert counted["/L"] == 2
    assert counted["/LI"] == 7 + 3


def test_every_picture_is_described():
    described = [
        str(one.Alt)
        for one in elements(report_pdf(RICH, MAKING, link=LINK))
        if one.S == pikepdf.Name.Figure
    ]
    (chart,) = [
        block.description
        for section in RICH.sections
        for block in section.blocks
        if isinstance(block, Figure)
    ]
    assert described == ["Code QR qui ouvre le rapport à jour sur le site", chart]


def test_every_text_of_the_page_is_on_paper():
    found = squeezed(text_of(report_pdf(RICH, MAKING, link=None)))
    page = msgspec.to_builtins(dataclasses.replace(RICH, sections=()))
    for name in ("verdict", "as_of", "as_of_date"):
        page.pop(name)
    for alert in page["alerts"]:
        alert.pop("gravity")
    wanted = [*texts(page), *said_by(RICH.sections)]
    assert len(wanted) > 150
    # Superscripts of chemistry and the like are written as plain digits.
    printed = [document._printed(text) for text in wanted]
    assert [text for text in printed if squeezed(text) not in found] == []


def test_a_situation_holds_what_is_asked_of_it_and_no_more():
    text = text_of(situation_pdf(RICH, MAKING, link=None))
    found = squeezed(text)
    for wanted in said_by((SITUATION, HISTORY)):
        assert squeezed(wanted) in found
    for wanted in (
        "Certificat de situation administrative",
        "Édité par histovet. Ne remplace pas le certificat officiel.",
        "VF3CCHMZ6••••••12",
        "EK-7••-QD",
        "dans son état du 21 novembre 2026",
        "le 26 novembre 2026 à 14 h 05",
    ):
        assert squeezed(wanted) in found
    for other in ("Code postal", "Kilométrage", "Places assises", "Bloquant"):
        assert other not in text


def test_a_cancelled_certificate_tells_its_end_and_nothing_else():
    page = dataclasses.replace(CANCELLED, sections=RICH.sections)
    text = text_of(situation_pdf(page, MAKING, link=LINK))
    assert "Certificat d’immatriculation annulé (2 février 2025)" in text
    for other in ("gage", "VF3CCHMZ6", "Changement de titulaire", LINK.code):
        assert other not in text


@pytest.mark.parametrize("make", DOCUMENTS.values(), ids=DOCUMENTS)
def test_each_page_has_its_number_the_dates_and_how_long_it_is_good(make):
    made = make()
    count = pages_of(made)
    pages = text_of(made).split("\f")[:count]
    assert len(pages) == count
    for number, page in enumerate(pages, 1):
        said = squeezed(page)
        assert f"Page{number}/{count}" in said
        assert squeezed("Registre au 21 novembre 2026") in said
        assert squeezed("Fait le 26 novembre 2026 à 14 h 05, heure de Paris") in said
        assert squeezed("pour une vente après le 6 décembre 2026") in said
        assert MAKING.verified_at in said


@pytest.mark.parametrize(
    ("made_on", "is_old"), [(dt.date(2026, 12, 6), False), (dt.date(2026, 12, 7), True)]
)
def test_fifteen_days_are_counted_from_the_registers_own_day(made_on, is_old):
    made_at = dt.datetime.combine(made_on, dt.time(11), dt.UTC)
    made = situation_pdf(RICH, dataclasses.replace(MAKING, made_at=made_at), link=None)
    text = squeezed(text_of(made))
    assert (squeezed("Trop ancien pour une vente") in text) is is_old
    assert (squeezed("ne suffit pas pour une vente") in text) is is_old
    assert (squeezed("après le 6 décembre 2026") in text) is not is_old


def test_a_situation_says_that_it_does_not_replace_the_official_one():
    said = squeezed("Ne remplace pas le certificat officiel")
    assert said in squeezed(text_of(situation_pdf(RICH, MAKING, link=None)))
    assert said not in squeezed(text_of(report_pdf(RICH, MAKING, link=None)))


def test_a_situation_of_most_vehicles_is_one_page():
    assert pages_of(situation_pdf(RICH, MAKING, link=LINK)) == 1
    assert pages_of(situation_pdf(CANCELLED, MAKING, link=None)) == 1


def test_without_a_link_there_is_no_code():
    with_it, without = (report_pdf(CLEAN, MAKING, link=link) for link in (LINK, None))
    assert LINK.code in text_of(with_it)
    assert "21 décembre 2026 à 18 h 40" in text_of(with_it).replace("\u00a0", " ")
    assert "code QR" not in text_of(without)
    assert not [one for one in elements(without) if one.S == pikepdf.Name.Figure]


def test_the_picture_of_the_code_is_that_of_the_address():
    drawn = document._link(LINK)["qr"]
    shown = io.BytesIO()
    segno.make_qr(LINK.address, error="m").save(
        shown, kind="svg", border=0, omitsize=True, xmldecl=False
    )
    assert drawn == shown.getvalue().decode()
    assert LINK.address not in text_of(report_pdf(CLEAN, MAKING, link=LINK))


MARKUP = [
    '#eval("1+1")',
    '#read("/etc/passwd")',
    '#image("/etc/passwd")',
    "$x^2$",
    "*b* _i_ `raw`",
    "[",
    "]) #panic() #([",
    "\\",
    "\\u{41}",
    '"',
    "= Titre",
    "- point",
    "<label> @label",
    "// rien /* rien */",
    "a -- b --- c ~ d",
    "https://exemple.invalid",
    "#{",
    "}}",
    "'guillemets' \"droits\"",
    "]]>&amp;<b>",
]


# Of ours, and what is drawn.
NAMES = ("anchor", "gravity", "tone", "verdict", "svg", "description")


def filled(page: ReportPage, text: str) -> ReportPage:
    """The page with the text after every text of it that is shown."""

    def changed(value, name=""):
        if isinstance(value, str):
            is_name = name in NAMES
            is_absent = value == "" and name in ("code", "badge", "box", "cancelled_on")
            return value if is_name or is_absent else f"{value} {text}"
        if isinstance(value, tuple):
            return tuple(changed(one, name) for one in value)
        if dataclasses.is_dataclass(value):
            return dataclasses.replace(
                value,
                **{
                    field.name: changed(getattr(value, field.name), field.name)
                    for field in dataclasses.fields(value)
                },
            )
        return value

    return changed(page)


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("make", [report_pdf, situation_pdf])
def test_markup_in_any_text_is_printed_as_it_is(make, text):
    page = filled(RICH, text)
    found = squeezed(text_of(make(page, MAKING, link=LINK)))
    sections = page.sections
    if make is situation_pdf:
        sections = tuple(s for s in sections if s.anchor in ("situation", "history"))
    missing = [
        one
        for one in said_by(sections)
        if squeezed(document._printed(one)) not in found
    ]
    assert missing == []
    assert squeezed(page.name) in found
    assert "root:" not in found


def test_markup_in_a_link_is_printed_as_it_is():
    link = dataclasses.replace(LINK, code='#eval("1") $x$ *b* [')
    assert squeezed(link.code) in squeezed(
        text_of(report_pdf(CLEAN, MAKING, link=link))
    )


def test_a_picture_reads_nothing_from_the_machine():
    figure = Figure(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        '<image href="/etc/passwd" width="9" height="9"/></svg>',
        "Une image",
    )
    section = Section("a", "Titre", "", (figure,))
    page = dataclasses.replace(CLEAN, sections=(section,))
    with pytest.raises(typst.TypstError, match="absolute paths are not allowed"):
        report_pdf(page, MAKING, link=None)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Ωμέγα", "Ωμ???"),
        ("Čapek Łódź Ştefan", "Čapek Łódź Ştefan"),
        ("e\u0301", "é"),
        ("x\u0301", "x"),
        ("CO₂ m⁻¹ ﬁn", "CO2 m−¹ fin"),
        ("a\u200bb\u202ec\ufeff", "abc"),
        ("a\tb\nc\x00d", "a b c d"),
        ("中文 🚗", "?? ?"),
        ("\ue000", " "),
        ("61\u202f200\u00a0km", "61\u202f200\u00a0km"),
    ],
)
def test_what_the_fonts_lack_is_replaced(text, printed):
    assert document._printed(text) == printed


def test_the_fonts_have_all_that_is_printed_as_it_is():
    every = "".join(map(chr, range(0x10000)))
    kept = [c for c in every if not document._UNPRINTABLE.match(c)]
    assert len(kept) > 300
    page = dataclasses.replace(CLEAN, name=" ".join(kept), verdict_title="".join(kept))
    # The compiler refuses a character without a glyph.
    report_pdf(page, MAKING, link=None)


@pytest.mark.parametrize(
    "text", ["中文", "\x00\x1b[31m", "\ud800", "a\u0301\u0301", "🚗"]
)
def test_no_text_of_the_register_stops_a_document(text):
    for make in (report_pdf, situation_pdf):
        make(filled(RICH, text), MAKING, link=LINK)


def test_the_same_page_and_minute_give_the_same_bytes():
    report_pdf(CLEAN, MAKING, link=None)
    first, second = (report_pdf(RICH, MAKING, link=LINK) for _ in range(2))
    assert first == second


def test_english_is_english():
    with translation.override("en"):
        made = report_pdf(RICH, MAKING, link=None)
    with opened(made) as pdf:
        assert str(pdf.Root.Lang) == "en"
    assert "26 November 2026" in text_of(made).replace("\u00a0", " ")
    assert "14:05" in text_of(made)


def test_no_clear_plate_and_no_address_of_the_link_is_in_the_file():
    made = report_pdf(RICH, MAKING, link=LINK)
    with opened(made) as pdf:
        for item in pdf.objects:
            if isinstance(item, pikepdf.Stream):
                assert LINK.address.encode() not in item.read_bytes()


@pytest.mark.parametrize("name", ["", " ", "\u0301"])
def test_a_page_without_anything_is_a_document(name):
    blocks = (
        Timeline(()),
        Grid("", ("A",), ()),
        Table("", ()),
        Items(()),
        Paragraph(""),
    )
    section = Section("history", "Historique", "", blocks)
    page = dataclasses.replace(
        CLEAN, name=name, plate="", facts=(), sections=(section,), verdict_text=""
    )
    for make in (report_pdf, situation_pdf):
        assert pages_of(make(page, MAKING, link=None)) == 1


def test_a_word_that_no_column_holds_goes_on_in_the_next_line():
    word = "mot" * 90
    blocks = (
        Grid("", ("A", "B", "C"), ((word,) * 3,)),
        Table("", (Row("B", (word,)),)),
    )
    page = dataclasses.replace(CLEAN, sections=(Section("a", "Titre", "", blocks),))
    # What stands beside the page is not read.
    found = squeezed(text_of(report_pdf(page, MAKING, link=None)))
    assert found.count(word) == 4


def test_long_tables_go_on_with_their_head_on_the_next_page():
    text = text_of(report_pdf(RICH, MAKING, link=LINK))
    with_rows = [page for page in text.split("\f") if "Masse en service" in page]
    assert all("Rubrique" in page for page in with_rows)


def test_documents_made_at_once_are_not_mixed_up():
    def made(number: int) -> str:
        with translation.override("fr"):
            page = dataclasses.replace(CLEAN, name=f"Voiture {number}.")
            return text_of(report_pdf(page, MAKING, link=None))

    with ThreadPoolExecutor(4) as threads:
        for number, text in enumerate(threads.map(made, range(24))):
            assert set(re.findall(r"Voiture (\d+)\.", text)) == {str(number)}


def median_seconds(times: int = 15) -> float:
    """Return the median time of a rich report, made and signed, each of another
    vehicle."""
    now = timezone.now()
    signs = signatory(now)
    taken = []
    for number in range(times):
        page = filled(RICH, str(number))
        start = time.perf_counter()
        sign(report_pdf(page, MAKING, link=LINK), signs)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def test_a_document_is_made_and_signed_in_time():
    took = median_seconds()
    print(f"a rich report, made and signed: {took * 1000:.0f} ms (median)")
    # 30 to 45 ms on two cores that do nothing else; the rest is for a busy machine.
    assert took < 1.0
