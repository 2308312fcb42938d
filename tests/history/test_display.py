import datetime as dt

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from histovet.history import display
from histovet.history.labels import ABSENCES
from histovet.history.page import Figure, Table, Timeline
from histovet.history.report import Audience, report
from histovet.inspections.inspected import Absence, Inspected, Source
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Initials,
    Inspection,
    Operation,
    Opposition,
    Pledge,
    Record,
    Register,
    Seizure,
    Suspension,
    Vehicle,
)

NOTHING = Inspected()
AS_OF = dt.date(2021, 10, 26)
DAY = dt.date(2020, 5, 4)
ISSUED = dt.date(2019, 6, 1)
NBSP, THIN = "\u00a0", "\u202f"


def shown_report(audience=Audience.HOLDER, inspected=NOTHING, **facts):
    record = Record(register=Register.SIV, masked_plate="AB-1**-CD", **facts)
    return report(record, audience=audience, as_of=AS_OF, inspected=inspected)


def page(language="fr", *, plain=False, events="", **facts):
    with translation.override(language):
        return display.page(shown_report(**facts), plain=plain, events=events)


def html(**facts):
    with translation.override("fr"):
        return render_to_string("history/_report.html", {"page": page(**facts)})


def section(shown, anchor):
    return next(part for part in shown.sections if part.anchor == anchor)


def rows(shown, anchor):
    return [
        row
        for block in section(shown, anchor).blocks
        if isinstance(block, Table)
        for row in block.rows
    ]


def row(shown, anchor, label):
    return next(row for row in rows(shown, anchor) if label in row.label).values


def events(shown):
    blocks = section(shown, "history").blocks
    return next(block.events for block in blocks if isinstance(block, Timeline))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr", f'<time datetime="2020-05-04">4{NBSP}mai 2020</time>'),
        ("en", f'<time datetime="2020-05-04">4{NBSP}May 2020</time>'),
    ],
)
def test_a_date_is_in_words(language, expected):
    shown = page(language=language, first_registration=DAY)
    assert shown.first_registration == expected


def test_the_first_of_a_month_is_written_as_in_french():
    shown = page(first_registration=ISSUED)
    assert f"1<sup>er</sup>{NBSP}juin 2019" in shown.first_registration


@pytest.mark.parametrize(
    ("register", "expected"),
    [
        (Register.SIV, '<time datetime="2019-06">juin 2019</time>'),
        (Register.FNI, '<time datetime="2019">2019</time>'),
    ],
)
def test_a_date_of_others_has_the_words_of_its_precision(register, expected):
    record = Record(
        register=register,
        masked_plate="X",
        issue_date=ISSUED,
        first_registration=ISSUED,
        vehicle_stolen=False,
    )
    read = report(record, audience=Audience.OTHERS, as_of=DAY)
    with translation.override("fr"):
        assert display.page(read).first_registration == expected


@pytest.mark.parametrize("plain", [False, True])
def test_others_are_told_where_the_vin_is_compared(plain):
    hints = {}
    for audience in Audience:
        read = shown_report(audience, vehicle=Vehicle(vin="VF1R********45678"))
        with translation.override("fr"):
            made = display.page(read, plain=plain, check_at="" if plain else "/r/A/x")
        (row,) = [
            row
            for section in made.sections
            for table in section.blocks
            if isinstance(table, Table)
            for row in table.rows
            if row.box == "E"
        ]
        hints[audience] = row.hint
    assert hints[Audience.HOLDER] == ""
    told = hints[Audience.OTHERS]
    assert told.startswith("Comparez le VIN relevé sur la voiture : ")
    assert ('<a href="/r/A/x">' in told) is not plain


def test_where_no_vin_is_recorded_none_is_compared():
    assert "Comparez le VIN" not in repr(page(audience=Audience.OTHERS))


@pytest.mark.parametrize(
    ("months", "french", "english"),
    [
        (0, "moins d’un mois", "less than a month"),
        (1, f"1{NBSP}mois", f"1{NBSP}month"),
        (12, f"1{NBSP}an", f"1{NBSP}year"),
        (28, f"2{NBSP}ans 4{NBSP}mois", f"2{NBSP}years 4{NBSP}months"),
    ],
)
def test_a_duration_is_in_years_and_months(months, french, english):
    year, month = divmod(2021 * 12 + 10 - 1 - months, 12)
    since = (Operation("CHANG_TIT_NORMAL", dt.date(year, month + 1, 26)),)
    assert page(operations=since).facts[1].value == french
    assert page(operations=since, language="en").facts[1].value == english


@pytest.mark.parametrize(
    ("language", "value", "expected"),
    [
        ("fr", 1461.5, f"1{THIN}461,5{NBSP}cm³"),
        ("en", 1461.5, f"1{THIN}461.5{NBSP}cm³"),
        ("fr", 1600.0, f"1{THIN}600{NBSP}cm³"),
        ("fr", 999, f"999{NBSP}cm³"),
    ],
)
def test_a_number_has_its_unit_and_the_separators_of_the_language(
    language, value, expected
):
    shown = page(language=language, vehicle=Vehicle(displacement_cm3=value))
    assert row(shown, "vehicle", "Cylindrée") == (expected,)


def test_what_is_not_on_record_is_said():
    shown = page()
    *rubrics, sticker = rows(shown, "vehicle")
    assert {value for one in rubrics for value in one.values} == {"Non renseigné"}
    assert sticker.label == "Vignette Crit’Air"
    assert sticker.values[0].startswith("Ne peut être dite")
    assert row(shown, "situation", "Véhicule volé") == ("Non renseigné",)
    assert row(shown, "situation", "Gages") == ("Aucun",)
    assert shown.facts[0].value == "Non renseigné"
    assert page(language="en").facts[0].value == "Not on record"


def test_simple_codes_are_spelled_out_and_the_others_shown():
    known = page(vehicle=Vehicle(genre="VP", energy="GO"))
    assert row(known, "vehicle", "Genre") == (f"VP{NBSP}– voiture particulière",)
    assert known.name == f"Véhicule{NBSP}– gazole"
    unknown = page(vehicle=Vehicle(genre="ZZ", energy="1A", body="SPEC"))
    assert row(unknown, "vehicle", "Genre") == ("ZZ",)
    assert row(unknown, "vehicle", "Énergie") == ("1A",)
    assert row(unknown, "vehicle", "Carrosserie nationale") == ("SPEC",)


def test_a_vehicle_is_named_by_what_is_on_record():
    whole = Vehicle(make="PEUGEOT", model="208", energy="ES", fiscal_power_cv=5.0)
    assert page(vehicle=whole).name == f"PEUGEOT 208{NBSP}– essence, 5{NBSP}CV"
    assert page(vehicle=Vehicle(make="PEUGEOT")).name == "PEUGEOT"
    assert page().name == "Véhicule"
    assert page(language="en").name == "Vehicle"


def test_operations_are_listed_marked_or_counted():
    shown = page(
        operations=(
            Operation("CHANG_TIT_NORMAL", DAY),
            Operation("DECLARATION_CESSION", DAY, True, DAY),
            Operation("CHANG_TIT_NORMAL_CVN", None),
            Operation("BRAND_NEW", DAY),
            Operation("CONSULT_DOSSIER", DAY),
            Operation("SEC_RAP_VE", DAY, procedure="12", expert="E-7"),
        )
    )
    listed = {event.label or event.code: event for event in events(shown)}
    assert set(listed) == {
        "Changement de titulaire",
        "Vente ou don déclaré",
        "Changement de titulaire, Passage à une plaque du type AA-123-AA",
        "BRAND_NEW",
        f"Procédure pour véhicule endommagé n°{NBSP}12",
    }
    assert "Une opération interne" in section(shown, "history").blocks[-1].text
    sold = listed["Vente ou don déclaré"]
    assert sold.cancelled and "4\u00a0mai 2020" in sold.cancelled_on
    assert events(shown)[-1].date == "Sans date"
    (repaired,) = [event for event in events(shown) if event.details]
    state, second = repaired.details
    assert state == "État non renseigné"
    assert second.startswith(f"Second rapport{NBSP}: ") and "expert E-7" in second


def test_several_things_of_one_kind_are_counted():
    twice = page(vehicle_stolen=False, pledges=(Pledge(DAY), Pledge(None)))
    assert [alert.title for alert in twice.alerts] == ["Véhicule gagé (2)"]


@pytest.mark.parametrize("absence", Absence)
def test_each_absence_of_inspections_is_told_apart(absence):
    shown = page(inspected=Inspected(absence=absence))
    badge, meaning = ABSENCES[absence]
    told = section(shown, "inspections").blocks[0]
    assert (told.badge, told.text) == (badge, meaning)
    assert section(shown, "mileage").blocks[0].badge == badge
    assert shown.facts[2].value == shown.facts[3].value == badge
    assert len({badge for badge, _ in ABSENCES.values()}) == len(Absence)


def test_nothing_on_record_is_said():
    assert html().count("Rien d’inscrit.") == 2


def test_a_contradiction_is_shown_as_one():
    facts = {"claim_count": 1, "fit_to_drive": True}
    assert row(page(**facts), "situation", "Apte") == ("Oui",)
    facts["oppositions"] = (Opposition("oveis", DAY),)
    assert row(page(**facts), "situation", "Apte") == (
        f"Le registre se contredit{NBSP}: voir plus bas",
    )
    facts["fit_to_drive"] = False
    assert row(page(**facts), "situation", "Apte") == ("Non",)


def test_a_procedure_is_told_step_by_step():
    step = ExpertStep(DAY, "E-7", True, False)
    shown = page(procedures=(DamageProcedure("42", True, step, None, ExpertStep()),))
    running, declared, second = row(shown, "situation", "Procédure 42")
    assert running == "En cours"
    assert declared.endswith("mai 2020</time>, expert E-7, dangereux, non réparable")
    assert second == f"Second rapport{NBSP}: Non renseigné"


def test_an_import_says_where_from():
    shown = page(imported=True, origin_name="Allemagne", first_registration_abroad=DAY)
    assert row(shown, "holder", "Pays") == ("Allemagne",)
    assert "4\u00a0mai 2020" in row(shown, "holder", "à l’étranger")[0]
    assert events(shown)[-1].is_gap
    assert not [one for one in rows(page(), "holder") if "Pays" in one.label]


def test_initials_name_nobody():
    person = Initials(family="L.", given="C. A.")
    assert row(page(initials=person), "holder", "Titulaire") == ("L. C. A.",)
    company = Initials(company="T.", siren_prefix="365")
    assert row(page(initials=company), "holder", "Titulaire") == (
        f"T.{NBSP}(SIREN{NBSP}365…)",
    )


def test_nothing_of_the_register_is_taken_for_markup():
    bad = "<b>&'\""
    page_html = html(
        vehicle=Vehicle(make=bad, genre=bad, vin=bad, colour=bad),
        operations=(Operation(bad, DAY, procedure=bad, expert=bad),),
        oppositions=(Opposition(bad, DAY),),
        suspensions=(Suspension(bad, DAY),),
        pledges=(Pledge(DAY, bad),),
        seizures=(Seizure(None, bad),),
        procedures=(DamageProcedure(bad, True, ExpertStep(DAY, bad)),),
        initials=Initials(family=bad, given=bad),
        postal_code=bad,
        usages=(bad,),
        imported=True,
        origin_name=bad,
        claim_count=1,
    )
    assert "<b>" not in page_html
    assert page_html.count("&lt;b&gt;") >= 12


def test_what_could_not_be_read_is_counted():
    assert "2 données du registre étaient illisibles" in html(quality=("A:x", "B:y"))
    assert "illisible" not in html()


def test_the_history_says_how_long_each_holder_held():
    operations = (
        Operation("CHANG_TIT_NORMAL", dt.date(2019, 6, 16)),
        Operation("DECLARATION_ACHAT", dt.date(2019, 6, 10)),
        Operation("IMMAT_NORMALE", dt.date(2017, 11, 23)),
    )
    known = page(operations=operations, holder_count=2)
    assert [event.tenure for event in events(known)] == [
        f"titulaire n°{NBSP}2, depuis 2{NBSP}ans 4{NBSP}mois",
        "",
        f"titulaire n°{NBSP}1, pendant 1{NBSP}an 6{NBSP}mois",
    ]
    unknown = page(operations=operations, holder_count=3, language="en")
    assert events(unknown)[0].tenure.startswith("new holder, rank unknown, for 2")


CLAIMED = (
    Operation("INSCRIPTION_GAGE", dt.date(2020, 5, 4)),
    Operation("DEC_VE", dt.date(2019, 5, 4)),
    Operation("IMMAT_NORMALE", dt.date(2018, 5, 4)),
)


def chosen(shown):
    (line,) = [
        block
        for block in section(shown, "history").blocks
        if isinstance(block, Timeline)
    ]
    return line


def test_one_kind_of_events_can_be_chosen():
    everything = chosen(page(operations=CLAIMED))
    assert [(one.kind, one.count, one.is_chosen) for one in everything.choices] == [
        ("", 3, True),
        ("titulaires", 1, False),
        ("gages", 1, False),
        ("sinistres", 1, False),
    ]
    pledges = chosen(page(operations=CLAIMED, events="gages"))
    assert [event.label for event in pledges.events] == ["Gage inscrit"]
    assert [one.kind for one in pledges.choices if one.is_chosen] == ["gages"]


@pytest.mark.parametrize("unknown", ["oppositions", "x", "<b>", "GAGES"])
def test_a_kind_that_is_not_there_chooses_everything(unknown):
    shown = chosen(page(operations=CLAIMED, events=unknown))
    assert len(shown.events) == 3
    assert shown.choices[0].is_chosen


def test_there_is_nothing_to_choose_of_one_kind_or_on_paper():
    assert chosen(page(operations=CLAIMED[:1])).choices == ()
    assert chosen(page(operations=CLAIMED, plain=True)).choices == ()


def test_what_was_opened_says_what_became_of_it():
    closed = (
        Operation("RADIATION_GAGE", dt.date(2021, 2, 1)),
        Operation("INSCRIPTION_GAGE", dt.date(2020, 5, 4)),
    )
    assert events(page(plain=True, operations=closed))[1].details == (
        f"fin{NBSP}: 1er{NBSP}février 2021",
    )
    still = events(page(operations=CLAIMED[:1], pledges=(Pledge(DAY),)))
    assert still[0].details == ("toujours en cours",)
    gone = events(page(operations=CLAIMED[:1]))
    assert gone[0].details == ("n’est plus en cours, aucune fin inscrite",)


def test_the_first_registration_of_an_import_is_called_so():
    first = (Operation("IMMAT_NORMALE_PREM_VO", DAY),)
    assert events(page(operations=first))[0].label == (
        "Première immatriculation, véhicule d’occasion"
    )
    imported = events(page(operations=first, imported=True))
    assert imported[0].label == "Première immatriculation en France, véhicule importé"
    assert imported[-1].is_gap


def test_contradictions_stand_under_the_situation():
    shown = page(plain=True, holder_count=0)
    texts = [getattr(block, "text", "") for block in section(shown, "situation").blocks]
    assert "Le registre se contredit" in texts
    assert "Le registre se contredit" not in [
        getattr(block, "text", "")
        for block in section(page(holder_count=1), "situation").blocks
    ]


def test_a_tenure_since_a_year_is_said_about():
    since = (Operation("CHANG_TIT_NORMAL", dt.date(2010, 6, 1)),)
    record = Record(
        register=Register.FNI,
        masked_plate="X",
        operations=since,
        issue_date=dt.date(2010, 6, 1),
    )
    read = report(record, audience=Audience.OTHERS, as_of=AS_OF)
    with translation.override("fr"):
        held = display.page(read, plain=True).facts[1]
    assert (held.value, held.detail) == (f"environ 11{NBSP}ans", "2010")


INSPECTED = Inspected(
    (
        Inspection(dt.date(2020, 3, 1), "VTP", "A", 80_000),
        Inspection(dt.date(2018, 5, 21), "VTP", "S", 60_000),
        Inspection(dt.date(2018, 5, 19), "NEW", "S", None),
    ),
    Source.REGISTER,
    AS_OF,
    None,
)


def test_inspections_are_listed_in_the_words_of_their_time():
    shown = page(plain=True, inspected=INSPECTED)
    (grid,) = [b for b in section(shown, "inspections").blocks if hasattr(b, "head")]
    assert grid.rows == (
        (f"1er{NBSP}mars 2020", "Contrôle périodique", "Favorable"),
        (
            f"21{NBSP}mai 2018",
            "Contrôle périodique",
            "Défavorable, défaillances majeures",
        ),
        (f"19{NBSP}mai 2018", "NEW", "Défavorable, kilométrage non relevé"),
    )


def test_the_mileage_has_its_verdict_its_chart_and_its_table():
    shown = page(plain=True, inspected=INSPECTED)
    blocks = section(shown, "mileage").blocks
    assert blocks[0].badge == "Cohérent"
    (chart,) = [block for block in blocks if isinstance(block, Figure)]
    assert "2 relevés" in chart.description and chart.svg.startswith("<svg")
    (grid,) = [block for block in blocks if hasattr(block, "head")]
    assert grid.rows[0][1:] == (f"80{THIN}000{NBSP}km", f"+20{THIN}000{NBSP}km")
    assert shown.facts[2].value == f"80{THIN}000{NBSP}km"


def test_what_the_report_covers_is_told_source_by_source():
    told = section(page(plain=True, inspected=INSPECTED), "scope")
    (grid,) = [block for block in told.blocks if hasattr(block, "head")]
    assert [row[1] for row in grid.rows] == [
        f"Registre des immatriculations, au 26{NBSP}octobre 2021",
        f"Contrôles techniques, livrés avec le registre, au 26{NBSP}octobre 2021",
        "Calculée d’après l’arrêté du 21 juin 2016",
        "Aucune source",
    ]


def test_what_has_no_date_is_named_nevertheless():
    """ "Non renseigné" would say that the register does not tell."""
    shown = page(
        plain=True,
        pledges=(Pledge(None), Pledge(None, "BANQUE"), Pledge(DAY)),
        seizures=(Seizure(None, None),),
        oppositions=(Opposition("oveis", None),),
        suspensions=(Suspension("NEW", None),),
    )
    assert row(shown, "situation", "Gages") == (
        "un gage, date non renseignée",
        "BANQUE, date non renseignée",
        f"4{NBSP}mai 2020",
    )
    assert row(shown, "situation", "Saisies") == ("une saisie, date non renseignée",)
    assert row(shown, "situation", "Oppositions") == (
        "Véhicule économiquement irréparable, date non renseignée",
    )
    assert row(shown, "situation", "Suspensions") == ("NEW, date non renseignée",)


@pytest.mark.parametrize(
    "facts",
    [
        {"suspensions": (Suspension("FNIV", DAY),)},
        {"oppositions": (Opposition("oves", DAY),)},
        {"last_claim": DAY},
        {"fit_to_drive": False},
    ],
)
def test_damage_is_told_wherever_the_register_tells_it(facts):
    assert row(page(**facts), "situation", "Apte à circuler")
    assert "Rien d’inscrit." not in [
        getattr(block, "lead", "")
        for block in section(page(**facts), "situation").blocks
    ]


def test_a_count_of_none_is_no_unknown_one():
    assert page(holder_count=0).facts[0].value == "0"
    assert page(holder_count=None).facts[0].value == "Non renseigné"


def test_a_cancelled_change_of_holder_dates_no_tenure():
    operations = (
        Operation("CHANG_TIT_NORMAL", dt.date(2019, 6, 16), True),
        Operation("IMMAT_NORMALE", dt.date(2017, 11, 23)),
    )
    held = page(plain=True, operations=operations, holder_count=1)
    assert held.facts[1].detail == f"23{NBSP}novembre 2017"


def test_a_word_of_the_register_leads_to_what_it_means():
    shown = html()
    assert '<a class="term" href="/aide/mots#gage">Gages</a>' in shown
    assert '<a class="term" href="/aide/mots#critair">Vignette Crit’Air</a>' in shown
    for group in ("operations", "kilometrage", "controle", "situation", "papiers"):
        assert f'href="/aide/mots#{group}">Les mots expliqués</a>' in shown
    assert '<p class="hint"></p>' not in shown
    with translation.override("en"):
        english = render_to_string("history/_report.html", {"page": page("en")})
    assert 'href="/en/help/words#gage">Pledges</a>' in english
    # Paper has no such place to go.
    assert "mots" not in str(page(plain=True))
