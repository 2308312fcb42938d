"""One report, four forms: what stands in one stands in each. docs/report.md."""

import dataclasses
import datetime as dt
import html
import json
import re
import unicodedata
from collections.abc import Iterator

import orjson
import pytest
from django.template.loader import render_to_string
from django.utils import translation

from histovet.history import display, labels
from histovet.history.document import Making, report_pdf
from histovet.history.page import ReportPage, Timeline
from histovet.history.report import Audience, Report, report
from histovet.history.timeline import Gap, timeline
from histovet.inspections.inspected import Inspected, Source
from histovet.partners.ancestor import ancestor_document
from pseudonymizer.records import Inspection
from tests.partners import register
from tests.poppler import text_of

AS_OF = dt.date(2021, 10, 26)
MAKING = Making(
    dt.datetime(2026, 11, 26, 13, 5, tzinfo=dt.UTC), "https://histovet.example/verifier"
)
INSPECTED = Inspected(
    (
        Inspection(dt.date(2021, 3, 2), "VTP", "S", 30_000),
        Inspection(dt.date(2019, 1, 20), "CV", "A", None),
        Inspection(dt.date(2017, 3, 2), "NEW", "NEW", 84_350),
    ),
    Source.REGISTER,
    AS_OF,
    None,
)
# Of the page's own working: what is never shown as a text.
UNSHOWN = {
    "anchor", "svg", "tone", "is_hint", "gravity", "verdict", "is_gap", "for_holder",
    "cancelled", "ends_in_numbers", "choices", "description", "caption", "word", "words",
}  # fmt: skip


def shown(audience: Audience) -> Report:
    return report(
        register.FULL.record, audience=audience, as_of=AS_OF, inspected=INSPECTED
    )


def texts(part: object) -> Iterator[str]:
    """Yield every text that a reader is to see."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from texts(one)
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            if field.name not in UNSHOWN:
                yield from texts(getattr(part, field.name))


def bare(text: str) -> str:
    """Return a text without any space: each form breaks its lines as it likes, and on
    paper the small figures of CO₂ and min⁻¹ are plain ones."""
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    return re.sub(r"\s|\u00ad", "", plain)


def missing(page: ReportPage, form: str) -> list[str]:
    whole = bare(form)
    return [text for text in texts(page) if bare(text) not in whole]


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_text_of_the_page_is_on_the_site(audience, language):
    with translation.override(language):
        plain = display.page(shown(audience), plain=True)
        context = {
            "page": display.page(shown(audience)),
            "expires_at": MAKING.made_at,
            "public_id": "A" * 16,
        }
        markup = render_to_string("history/_report.html", context)
        markup += render_to_string("history/_vehicle.html", context)
    site = html.unescape(re.sub("<[^>]+>", "", markup))
    # Terms of the register are explained in another language, in brackets on paper.
    site = bare(site).replace("(", "").replace(")", "")
    left = [
        text
        for text in texts(plain)
        if bare(text).replace("(", "").replace(")", "") not in site
    ]
    assert left == []


@pytest.mark.parametrize("audience", Audience)
def test_every_text_of_the_page_is_on_paper(audience):
    with translation.override("fr"):
        page = display.page(shown(audience), plain=True)
        made = report_pdf(page, MAKING, link=None)
    assert missing(page, text_of(made)) == []


def test_a_text_that_is_left_out_is_missed():
    with translation.override("fr"):
        page = display.page(shown(Audience.OTHERS), plain=True)
    gone = dataclasses.replace(page, sections=page.sections[1:])
    made = report_pdf(gone, MAKING, link=None)
    assert missing(page, text_of(made)) != []


def _is_on(page: ReportPage, label: str) -> bool:
    """Of a step of a damage procedure, its story stands on the page."""
    whole = [bare(text) for section in page.sections for text in texts(section)]
    story = bare("Procédure pour véhicule endommagé")
    wanted = bare(label)
    return any(
        wanted in text
        or (wanted.startswith(bare("Véhicule endommagé")) and story in text)
        for text in whole
    )


@pytest.mark.parametrize("audience", Audience)
def test_json_tells_what_the_page_tells(audience):
    read = shown(audience)
    document = ancestor_document(read, release="x", inspections=True)
    made = json.loads(orjson.dumps(document))
    ours = made["histovet"]
    with translation.override("fr"):
        page = display.page(read, plain=True)
    sections = {section.anchor: section for section in page.sections}

    assert ours["verdict"] == page.verdict
    assert [
        one["title"] + (f" ({one['count']})" if one["count"] > 1 else "")
        for one in ours["alerts"]
    ] == [alert.title for alert in page.alerts]
    told = list(texts(sections["situation"]))
    assert ours["contradictions"]
    for code, text in labels.CONTRADICTIONS.items():
        assert (text in told) is (code in ours["contradictions"])
    for label in ours["labels"]["suspensions"].values():
        assert any(label in text for text in told)
    for label in ours["labels"]["operations"].values():
        assert _is_on(page, label)
    due = ours["next_inspection"]
    assert due["by"][:4] in page.facts[3].value
    # Every operation that the page lists, in its story or alone.
    entries = [one for one in timeline(read) if not isinstance(one, Gap)]
    (line,) = [b for b in sections["history"].blocks if isinstance(b, Timeline)]
    assert len([one for one in line.events if not one.is_gap]) == len(entries)
    assert len(made["vehicule"]["historique"]) == len(read.operations)
    for entry in ours["labels"]["vehicle"].values():
        assert any(entry in text for text in texts(sections["vehicle"]))
    listed = made["controles_techniques"]["historique"]
    (grid,) = [b for b in sections["inspections"].blocks if hasattr(b, "head")]
    assert len(grid.rows) == len(listed)
    assert [row[1] for row in grid.rows] == [
        one.get("nature_libelle", one["nature"]) for one in listed
    ]
    badge = sections["mileage"].blocks[0].badge
    verdicts = {verdict.value: word for verdict, word in labels.VERDICTS.items()}
    assert verdicts[ours["mileage"]["verdict"]] == badge
    kilometres = [one["km"] for one in listed if "km" in one]
    readings = next(b for b in sections["mileage"].blocks if hasattr(b, "head"))
    assert [int(re.sub(r"\D", "", row[1])) for row in readings.rows] == kilometres
