"""What the timeline tells: docs/report.md, The history."""

import datetime as dt

import pytest

from histovet.history.dates import ShownDate
from histovet.history.report import Audience, report
from histovet.history.timeline import (
    EventKind,
    Gap,
    Happening,
    Silence,
    Standing,
    Story,
    timeline,
)
from histovet.inspections.inspected import Inspected, Source
from pseudonymizer.records import (
    DamageProcedure,
    ExpertStep,
    Inspection,
    Operation,
    Opposition,
    Pledge,
    Record,
    Register,
)

AS_OF = dt.date(2021, 10, 26)


def told(*operations, audience=Audience.HOLDER, inspected=(), **facts):
    """Operations are given oldest first, each (code, date, more)."""
    record = Record(
        register=Register.SIV,
        masked_plate="AB-1**-CD",
        operations=tuple(Operation(*one) for one in reversed(operations)),
        **facts,
    )
    known = Inspected(
        tuple(Inspection(day, "VTP", "A", 1) for day in reversed(inspected)),
        Source.REGISTER,
        AS_OF,
        None if inspected else Inspected().absence,
    )
    return timeline(report(record, audience=audience, as_of=AS_OF, inspected=known))


def day(year, month=5, number=4):
    return dt.date(year, month, number)


def fates(*operations, **facts):
    """Return (code, standing, closing day) of what opened something, oldest first."""
    return [
        (entry.operation.code, entry.standing, entry.closed_on and entry.closed_on.date)
        for entry in reversed(told(*operations, **facts))
        if isinstance(entry, Happening) and entry.standing
    ]


def test_operations_stand_newest_first_and_those_without_a_date_last():
    entries = told(
        ("IMMAT_NORMALE", day(2018)),
        ("CORRECTION_TITRE",),
        ("CHANG_TIT_NORMAL", day(2020)),
    )
    assert [entry.operation.code for entry in entries] == [
        "CHANG_TIT_NORMAL",
        "IMMAT_NORMALE",
        "CORRECTION_TITRE",
    ]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("CHANG_TIT_NORMAL", EventKind.HOLDERS),
        ("DECLARATION_ACHAT", EventKind.HOLDERS),
        ("INSCRIPTION_GAGE", EventKind.PLEDGES),
        ("LEVER_DVS", EventKind.PLEDGES),
        ("INSCRIRE_OTCI", EventKind.MEASURES),
        ("SORTIE_TERRITOIRE", EventKind.MEASURES),
        ("INSCRIRE_OVE", EventKind.DAMAGE),
        ("DUPLICATA", EventKind.OTHER),
        ("BRAND_NEW", EventKind.OTHER),
    ],
)
def test_each_operation_is_of_a_kind(code, kind):
    (entry,) = told((code, day(2020)))
    assert entry.kind is kind


def test_what_the_administration_does_with_its_files_is_not_listed():
    assert told(("CONSULT_DOSSIER", day(2020))) == []


@pytest.mark.parametrize(
    ("operations", "facts", "expected"),
    [
        (
            [("INSCRIPTION_GAGE", day(2018)), ("RADIATION_GAGE", day(2020))],
            {},
            [("INSCRIPTION_GAGE", Standing.CLOSED, day(2020))],
        ),
        (
            [("INSCRIPTION_GAGE", day(2018))],
            {"pledges": (Pledge(day(2018)),)},
            [("INSCRIPTION_GAGE", Standing.OPEN, None)],
        ),
        (
            [("INSCRIPTION_GAGE", day(2018))],
            {},
            [("INSCRIPTION_GAGE", Standing.LAPSED, None)],
        ),
        # Closed and opened again: each has its own fate.
        (
            [
                ("INSCRIRE_OTCI", day(2018)),
                ("LEVER_OTCI", day(2019)),
                ("INSCRIRE_OTCI", day(2020)),
            ],
            {"oppositions": (Opposition("otcis_pv", day(2020)),)},
            [
                ("INSCRIRE_OTCI", Standing.CLOSED, day(2019)),
                ("INSCRIRE_OTCI", Standing.OPEN, None),
            ],
        ),
        # Of two open at once nobody knows which was closed.
        (
            [
                ("INSCRIPTION_GAGE", day(2018)),
                ("INSCRIPTION_GAGE", day(2019)),
                ("RADIATION_GAGE", day(2020)),
            ],
            {},
            [],
        ),
        # Of two of which the situation has one, neither.
        (
            [("INSCRIPTION_GAGE", day(2018)), ("INSCRIPTION_GAGE", day(2019))],
            {"pledges": (Pledge(day(2019)),)},
            [],
        ),
        # A cancelled closing closes nothing, a cancelled opening opens nothing.
        (
            [("INSCRIRE_DVS", day(2018)), ("LEVER_DVS", day(2019), True)],
            {},
            [("INSCRIRE_DVS", Standing.LAPSED, None)],
        ),
        ([("INSCRIRE_DVS", day(2018), True)], {}, []),
        # What the situation does not list is closed by an operation alone.
        (
            [("SORTIE_TERRITOIRE", day(2018)), ("REMISE_CIRC_SORTIE_TERR", day(2019))],
            {},
            [("SORTIE_TERRITOIRE", Standing.CLOSED, day(2019))],
        ),
        ([("SORTIE_TERRITOIRE", day(2018))], {}, []),
    ],
)
def test_an_opening_is_told_with_what_became_of_it(operations, facts, expected):
    assert fates(*operations, **facts) == expected


def test_a_damage_procedure_is_one_story_of_history_and_register():
    number = {"procedure": "42"}
    record_side = DamageProcedure(
        "42",
        running=False,
        declaration=ExpertStep(day(2019), "E1", True, True),
        second_report=ExpertStep(None, "E2"),
    )
    operations = [
        Operation("SEC_RAP_VE", day(2019, 9), **number),
        Operation("PREM_RAP_VE", day(2019, 6), expert="E3", **number),
        Operation("DEC_VE", day(2019), **number),
        Operation("IMMAT_NORMALE", day(2018)),
    ]
    record = Record(
        register=Register.SIV,
        masked_plate="X",
        operations=tuple(operations),
        procedures=(record_side,),
    )
    story, first = timeline(report(record, audience=Audience.HOLDER, as_of=AS_OF))
    assert isinstance(story, Story) and isinstance(first, Happening)
    assert story.date == ShownDate(day(2019))
    procedure = story.procedure
    assert procedure.declaration.dangerous and procedure.declaration.repairable
    assert procedure.first_report.date == ShownDate(day(2019, 6))
    assert procedure.first_report.expert == "E3"
    # The register has the expert, the history the day.
    assert procedure.second_report.expert == "E2"
    assert procedure.second_report.date == ShownDate(day(2019, 9))


def test_a_procedure_that_one_side_alone_knows_is_told_too():
    (alone,) = told(procedures=(DamageProcedure("7", True, ExpertStep(day(2020))),))
    assert isinstance(alone, Story) and alone.procedure.running
    (only_history,) = told(("DEC_VE", day(2020), False, None, "8"))
    assert isinstance(only_history, Story)
    assert only_history.procedure.number == "8"
    assert only_history.procedure.running is None


def test_a_cancelled_step_and_one_without_a_number_stand_alone():
    entries = told(
        ("DEC_VE", day(2019), True, day(2020), "9"), ("PREM_RAP_VE", day(2020))
    )
    assert [type(entry) for entry in entries] == [Happening, Happening]
    assert entries[1].operation.cancelled


def gaps(*operations, **facts):
    return [entry for entry in told(*operations, **facts) if isinstance(entry, Gap)]


def test_a_long_silence_is_said_with_its_length():
    (gap,) = gaps(("IMMAT_NORMALE", day(2005)), ("CHANG_TIT_NORMAL", day(2019)))
    assert gap == Gap(Silence.LONG, 14 * 12)
    assert gaps(("IMMAT_NORMALE", day(2014)), ("CHANG_TIT_NORMAL", day(2019))) == []


def test_the_silence_up_to_the_registers_day_is_said_too():
    first, _ = told(("IMMAT_NORMALE", day(2010)))
    assert first == Gap(Silence.LONG, 11 * 12 + 5)


def test_an_inspection_breaks_a_silence():
    operations = [("IMMAT_NORMALE", day(2005)), ("CHANG_TIT_NORMAL", day(2019))]
    assert gaps(*operations, inspected=(day(2009), day(2014))) == []
    (gap,) = gaps(*operations, inspected=(day(2006),))
    assert gap.months == 13 * 12


def test_what_came_before_an_import_or_an_unknown_holder_is_a_gap():
    assert gaps(imported=True) == [Gap(Silence.ABROAD)]
    assert gaps(uncertain_origin=True) == [Gap(Silence.BEFORE)]


def test_no_silence_is_measured_from_a_year():
    record = Record(
        register=Register.FNI,
        masked_plate="X",
        operations=(
            Operation("CHANG_TIT_NORMAL", day(2019)),
            Operation("IMMAT_NORMALE", day(1995)),
        ),
    )
    shown = report(record, audience=Audience.OTHERS, as_of=AS_OF)
    assert [entry for entry in timeline(shown) if isinstance(entry, Gap)] == []
