"""Stories of a counter, and what is said of each."""

import dataclasses
import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histovet.history import odometer
from histovet.history.dates import Precision, ShownDate
from histovet.history.odometer import (
    ONE_VISIT_DAYS,
    Facts,
    Mileage,
    MileageVerdict,
    Reading,
    Reason,
    facts_of,
    judge,
    readings_of,
)
from histovet.history.report import Audience, report
from histovet.inspections.inspected import Inspected, Source
from pseudonymizer.records import (
    INSPECTIONS_MAX,
    Inspection,
    Operation,
    Record,
    Register,
)


def shown(text):
    """2021-03-04, 2021-03 or 2021."""
    parts = [int(part) for part in text.split("-")]
    precision = (Precision.YEAR, Precision.MONTH, Precision.DAY)[len(parts) - 1]
    return ShownDate(dt.date(*(*parts, 1, 1)[:3]), precision)


def readings(story):
    """Each line is a date and what was read."""
    lines = (line.split() for line in story.split(",") if line)
    return [Reading(shown(date), int(km)) for date, km in lines]


FOREIGN = Facts(imported=True)
BRITISH = Facts(imported=True, may_count_miles=True)
CLASSIC = Facts(may_count_miles=True)
OF_1984 = Facts(first_registration=shown("1984-05-02"))
OF_2010 = Facts(first_registration=shown("2010-05-02"))

YES, NO, NONE = (
    MileageVerdict.CONSISTENT,
    MileageVerdict.INCONSISTENT,
    MileageVerdict.NO_VERDICT,
)
R = Reason

# Name, readings, facts, verdict, reason, places, kilometres a year.
STORIES = [
    # What is usual
    ("une voiture comme les autres", "2015-03-04 41200, 2017-03-02 62300, 2019-03-01 81900", None, YES, R.RISING, (), 10200),
    ("deux relevés", "2019-03-04 41200, 2021-03-04 61300", None, YES, R.RISING, (), 10000),
    ("elle n’a pas roulé", "2015-03-04 41200, 2017-03-02 41200, 2019-03-01 41200", None, YES, R.RISING, (), 0),
    ("arrondi à la centaine, elle n’a pas roulé", "2015-03-04 41253, 2017-03-02 41200", None, YES, R.RISING, (), 0),
    ("dix ans sans relevé", "2005-03-04 41200, 2015-03-04 61200, 2017-03-04 63000", None, YES, R.RISING, (), 1800),
    ("un grand rouleur", "2015-03-04 90000, 2017-03-04 290000", None, YES, R.RISING, (), 99900),
    ("des kilomètres tout ronds", "2015-03-04 100000, 2017-03-04 120000, 2019-03-04 140000", None, YES, R.RISING, (), 10000),
    # What is too little
    ("aucun relevé", "", None, NONE, R.TOO_FEW, (), None),
    ("un seul relevé", "2019-03-04 41200", None, NONE, R.TOO_FEW, (), None),
    ("le même jour deux fois le même", "2019-03-04 41200, 2019-03-04 41200", None, NONE, R.TOO_FEW, (), None),
    ("une visite et sa contre-visite", "2019-03-04 41200, 2019-04-20 42100", None, NONE, R.TOO_FEW, (), None),
    ("deux relevés d’une même année sans plus", "2019 41200, 2019 61200", None, NONE, R.TOO_FEW, (), None),
    # One visit
    ("contre-visite avec 400 km de moins", "2017-03-04 61000, 2019-03-04 81400, 2019-03-11 81000", None, YES, R.RISING, (), 9900),
    ("contre-visite avec 1 000 km de moins", "2017-03-04 61000, 2019-03-04 82000, 2019-05-05 81000", None, YES, R.RISING, (), 9200),
    ("contre-visite avec 1 001 km de moins", "2017-03-04 61000, 2019-03-04 82001, 2019-05-05 81000", None, NO, R.FALL, (2,), None),
    ("contre-visite avec 1 % de moins", "2017-03-04 240000, 2019-03-04 260000, 2019-03-11 257400", None, YES, R.RISING, (), 8600),
    ("trois mois après, 400 km de moins", "2017-03-04 61000, 2019-03-04 81400, 2019-06-04 81000", None, NO, R.FALL, (2,), None),
    ("le même jour 300 km d’écart", "2017-03-04 61000, 2019-03-04 81300, 2019-03-04 81000", None, YES, R.RISING, (), 10200),
    ("le même jour deux relevés qui ne vont pas ensemble", "2017-03-04 61000, 2019-03-04 81300, 2019-03-04 118000", None, NONE, R.IMPLAUSIBLE_RISE, (2,), None),
    ("le même jour un relevé de trop bas", "2017-03-04 61000, 2019-03-04 81300, 2019-03-04 8130", None, NONE, R.TYPING_SLIP, (2,), 10200),
    # Turned back
    ("reculé tôt", "2011-03-04 95000, 2013-03-04 60000, 2015-03-04 71000, 2017-03-04 83000", None, NO, R.FALL, (1,), None),
    ("reculé tard", "2011-03-04 60000, 2013-03-04 78000, 2015-03-04 99000, 2017-03-04 71000", None, NO, R.FALL, (3,), None),
    ("reculé deux fois", "2011-03-04 90000, 2013-03-04 60000, 2015-03-04 85000, 2017-03-04 62000", None, NO, R.FALL, (1, 3), None),
    ("reculé de peu", "2011-03-04 60000, 2013-03-04 78000, 2015-03-04 75000", None, NO, R.FALL, (2,), None),
    ("l’exemple de la maquette", "2019-03-05 17900, 2021-03-04 38940, 2023-03-06 84310, 2025-03-03 61200", None, NO, R.FALL, (3,), None),
    ("haut une fois, à une allure possible, puis bas", "2011-03-04 60000, 2013-03-04 93000, 2015-03-04 66000, 2017-03-04 72000", None, NO, R.FALL, (2,), None),
    ("haut une fois, puis bas pour la vente", "2013-03-04 100000, 2015-03-04 190000, 2017-03-04 110000", None, NO, R.FALL, (2,), None),
    ("un recul et une faute de frappe", "2011-03-04 60000, 2013-03-04 780000, 2015-03-04 92000, 2017-03-04 61000", None, NO, R.FALL, (3,), None),
    ("un recul et une hausse impossible", "2011-03-04 60000, 2013-03-04 50000, 2015-03-04 55000, 2015-04-20 99000", None, NO, R.FALL, (1,), None),
    ("un grand rouleur reculé une fois", "2013-03-04 100000, 2015-03-04 187312, 2017-03-04 150000, 2019-03-04 220000", None, NO, R.FALL, (2,), None),
    ("reculé, et haut deux ans de suite avant", "2011-03-04 60000, 2013-03-04 160000, 2015-03-04 175000, 2017-03-04 90000", None, NO, R.FALL, (3,), None),
    # Typed wrongly
    ("haut une fois et de retour, comme au RDW", "2010-03-04 200000, 2012-03-04 250000, 2014-03-04 900000, 2016-03-04 350000, 2018-03-04 400000", None, NONE, R.TYPING_SLIP, (2,), 25000),
    ("un chiffre doublé", "2013-03-04 61000, 2015-03-04 722000, 2017-03-04 84000", None, NONE, R.TYPING_SLIP, (1,), 5800),
    ("un chiffre oublié", "2013-03-04 61000, 2015-03-04 7200, 2017-03-04 84000", None, NONE, R.TYPING_SLIP, (1,), 5800),
    ("un chiffre oublié, petite rouleuse", "2013-03-04 25000, 2015-03-04 2700, 2017-03-04 29000", None, NONE, R.TYPING_SLIP, (1,), 1000),
    ("deux chiffres échangés", "2011-03-04 55000, 2013-03-04 69000, 2015-03-04 98000, 2017-03-04 93000, 2019-03-04 99000", None, NONE, R.TYPING_SLIP, (2,), 5500),
    ("un mauvais chiffre, bas et de retour", "2011-03-04 155000, 2013-03-04 69000, 2015-03-04 183000", None, NONE, R.TYPING_SLIP, (1,), 7000),
    ("deux fautes de frappe", "2009-03-04 51000, 2011-03-04 620000, 2013-03-04 73000, 2015-03-04 8400, 2017-03-04 95000", None, NONE, R.TYPING_SLIP, (1, 3), 5500),
    ("la contre-visite a recopié la faute", "2013-03-04 61000, 2015-03-04 722000, 2015-03-20 722000, 2017-03-04 84000", None, NONE, R.TYPING_SLIP, (1, 2), 5800),
    ("haut à la fin sans retour", "2013-03-04 61000, 2015-03-04 72000, 2017-03-04 840000", None, NONE, R.IMPLAUSIBLE_RISE, (2,), None),
    # Another counter
    ("compteur remplacé", "2011-03-04 160000, 2013-03-04 181000, 2015-03-04 9000, 2017-03-04 24000, 2019-03-04 40000", None, NONE, R.REPLACED_COUNTER, (2,), None),
    ("remplacé, dit-on, mais 17 000 km en un mois", "2013-03-04 181000, 2013-06-04 17000, 2015-06-04 24000", None, NO, R.FALL, (1,), None),
    ("presque à zéro, et rien après", "2013-03-04 181000, 2015-03-04 12000", None, NO, R.FALL, (1,), None),
    ("remplacé, puis reculé", "2011-03-04 160000, 2013-03-04 9000, 2015-03-04 24000, 2017-03-04 16000", None, NO, R.FALL, (1, 3), None),
    ("cinq chiffres, revenu à zéro", "1993-03-04 84000, 1995-03-04 97000, 1997-03-04 12000, 1999-03-04 26000", OF_1984, NONE, R.COUNTER_ROLLED_OVER, (2,), None),
    ("la même suite sur une voiture récente", "2013-03-04 84000, 2015-03-04 97000, 2017-03-04 12000, 2019-03-04 26000", OF_2010, NO, R.FALL, (2,), None),
    ("la même suite, âge inconnu", "2013-03-04 84000, 2015-03-04 97000, 2017-03-04 12000, 2019-03-04 26000", None, NO, R.FALL, (2,), None),
    ("un million de kilomètres", "2013-03-04 880000, 2014-03-04 975000, 2015-03-04 61000", OF_2010, NONE, R.COUNTER_ROLLED_OVER, (2,), None),
    # Miles
    ("des kilomètres aux miles", "2013-03-04 96000, 2015-03-04 112000, 2017-03-04 76000, 2019-03-04 84000", BRITISH, NONE, R.UNIT_CHANGE, (2,), None),
    ("des miles aux kilomètres", "2013-03-04 60000, 2015-03-04 65000, 2017-03-04 112000, 2019-03-04 120000", BRITISH, NONE, R.UNIT_CHANGE, (2,), None),
    ("une fois en miles", "2013-03-04 96000, 2015-03-04 64000, 2017-03-04 111000", CLASSIC, NONE, R.UNIT_CHANGE, (1,), 3800),
    ("la même chute sans rien d’anglais", "2013-03-04 96000, 2015-03-04 112000, 2017-03-04 76000, 2019-03-04 84000", None, NO, R.FALL, (2,), None),
    ("une anglaise reculée pour de bon", "2013-03-04 96000, 2015-03-04 112000, 2017-03-04 40000", BRITISH, NO, R.FALL, (2,), None),
    # From abroad
    ("importée, et les relevés montent", "2015-03-04 91200, 2017-03-02 112300, 2019-03-01 131900", FOREIGN, NONE, R.IMPORT, (), 10200),
    ("importée, un seul relevé", "2015-03-04 91200", FOREIGN, NONE, R.TOO_FEW, (), None),
    ("importée, et reculée en France", "2015-03-04 91200, 2017-03-02 62300, 2019-03-01 81900", FOREIGN, NO, R.FALL, (1,), None),
    ("reculée pendant qu’elle était à l’étranger", "2015-03-04 91200, 2019-03-02 62300, 2021-03-01 71900", Facts(imported=True, imported_on=shown("2018-11-30")), NONE, R.IMPORT, (1,), None),
    ("reculée ailleurs qu’à l’import", "2015-03-04 91200, 2019-03-02 92300, 2021-03-01 71900", Facts(imported=True, imported_on=shown("2018-11")), NO, R.FALL, (2,), None),
    ("reculée avant d’être importée", "2015-03-04 91200, 2017-03-02 62300, 2019-03-02 71900", Facts(imported=True, imported_on=shown("2018-11-30")), NO, R.FALL, (1,), None),
    ("importée le jour du premier relevé, et reculée", "2015-03-04 91200, 2017-03-02 62300", Facts(imported=True, imported_on=shown("2015-03-04")), NONE, R.IMPORT, (1,), None),
    ("importée le jour du second relevé, et reculée", "2015-03-04 91200, 2017-03-02 62300", Facts(imported=True, imported_on=shown("2017-03-02")), NONE, R.IMPORT, (1,), None),
    ("une date d’import sans import", "2015-03-04 91200, 2019-03-02 62300", Facts(imported=False, imported_on=shown("2018-11-30")), NO, R.FALL, (1,), None),
    # Coarse dates
    ("au mois", "2015-03 41200, 2017-03 62300, 2019-03 81900", None, YES, R.RISING, (), 10200),
    ("à l’année, trop large pour une moyenne", "2015 41200, 2017 62300, 2019 81900", None, YES, R.RISING, (), None),
    ("à l’année, assez long", "1995 41200, 2019 281900", None, YES, R.RISING, (), 10000),
    ("au mois, et reculé", "2015-03 41200, 2017-03 62300, 2019-03 51900", None, NO, R.FALL, (2,), None),
    ("le même mois, contre-visite", "2017-03-04 61000, 2019-03 81400, 2019-03 81000", None, YES, R.RISING, (), 9800),
    ("à l’année, une faute de frappe", "2009 51000, 2011 620000, 2013 73000, 2015 84000", None, NONE, R.TYPING_SLIP, (1,), None),
    ("au mois, une faute de frappe recopiée", "2013-03 61000, 2015-03 722000, 2015-03 722000, 2017-03 84000", None, NONE, R.TYPING_SLIP, (1, 2), 5800),
    ("le même mois, 20 000 km de plus", "2013-03 61000, 2015-03 72000, 2015-03 92000", None, NONE, R.IMPLAUSIBLE_RISE, (2,), None),
    ("haut à la fois à la visite et, autrement, à la contre-visite", "2013-03-04 61000, 2015-03-04 722000, 2015-03-20 792000, 2017-03-04 84000", None, NO, R.FALL, (3,), None),
    # On both sides of each limit
    ("contre-visite avec un peu plus de 1 % de moins", "2017-03-04 240000, 2019-03-04 260000, 2019-03-11 257270", None, NO, R.FALL, (2,), None),
    ("100 km de moins, c’est un arrondi", "2015-03-04 41300, 2017-03-02 41200", None, YES, R.RISING, (), 0),
    ("101 km de moins n’en est plus un", "2015-03-04 41301, 2017-03-02 41200", None, NO, R.FALL, (1,), None),
    ("500 km par jour", "2015-03-04 10000, 2015-07-12 75000", None, YES, R.RISING, (), None),
    ("plus de 500 km par jour", "2015-03-04 10000, 2015-07-12 75001", None, NONE, R.IMPLAUSIBLE_RISE, (1,), None),
    ("haut une fois, à 30 000 km par an", "2011-03-04 60000, 2015-03-04 180000, 2017-03-04 70000, 2019-03-04 75000", None, NO, R.FALL, (2,), None),
    ("haut une fois, à plus de 30 000 km par an", "2011-03-04 60000, 2015-03-04 180001, 2017-03-04 70000, 2019-03-04 75000", None, NONE, R.TYPING_SLIP, (1,), 1900),
    ("haut une fois, à plus de trois fois l’allure des autres", "2009-03-04 20000, 2011-03-04 44000, 2013-03-04 124000, 2015-03-04 92000, 2017-03-04 116000", None, NONE, R.TYPING_SLIP, (2,), 12000),
    ("moins d’un dixième, et remplacé", "2013-03-04 180000, 2015-03-04 17999, 2017-03-04 30000", None, NONE, R.REPLACED_COUNTER, (1,), None),
    ("un dixième, et reculé", "2013-03-04 180000, 2015-03-04 18000, 2017-03-04 30000", None, NO, R.FALL, (1,), None),
    ("cinq chiffres, le dernier jour de 1995", "2003-03-04 84000, 2005-03-04 97000, 2007-03-04 12000, 2009-03-04 26000", Facts(first_registration=shown("1995-12-31")), NONE, R.COUNTER_ROLLED_OVER, (2,), None),
    ("cinq chiffres, le premier jour de 1996", "2003-03-04 84000, 2005-03-04 97000, 2007-03-04 12000, 2009-03-04 26000", Facts(first_registration=shown("1996-01-01")), NO, R.FALL, (2,), None),
    ("cinq chiffres au plus haut", "1993-03-04 84000, 1995-03-04 99999, 1997-03-04 12000", OF_1984, NONE, R.COUNTER_ROLLED_OVER, (2,), None),
    ("cinq chiffres, et trop loin en six mois", "1993-03-04 84000, 1995-03-04 97000, 1995-09-04 40000", OF_1984, NO, R.FALL, (2,), None),
    ("remplacé, dit-on, et ensuite une hausse impossible", "2013-03-04 181000, 2015-03-04 9000, 2017-03-04 24000, 2017-04-01 60000", None, NO, R.FALL, (1,), None),
    ("un an jour pour jour", "2019-03-04 41200, 2020-03-03 61200", None, YES, R.RISING, (), 20000),
    ("six chiffres déjà", "1993-03-04 84000, 1995-03-04 100000, 1997-03-04 12000", OF_1984, NO, R.FALL, (2,), None),
    ("six chiffres au plus haut", "2013-03-04 880000, 2014-03-04 999999, 2015-03-04 61000", OF_2010, NONE, R.COUNTER_ROLLED_OVER, (2,), None),
    ("sept chiffres déjà", "2013-03-04 880000, 2014-03-04 1000000, 2015-03-04 61000", OF_2010, NO, R.FALL, (2,), None),
    ("le dernier cinquième du compteur", "1993-03-04 70000, 1995-03-04 80000, 1997-03-04 12000", OF_1984, NONE, R.COUNTER_ROLLED_OVER, (2,), None),
    ("avant le dernier cinquième du compteur", "1993-03-04 70000, 1995-03-04 79999, 1997-03-04 12000", OF_1984, NO, R.FALL, (2,), None),
    ("en miles, moins 3 %", "2013-03-04 96000, 2015-03-04 112000, 2017-03-04 67560, 2019-03-04 75000", BRITISH, NONE, R.UNIT_CHANGE, (2,), None),
    ("en miles, moins un peu plus de 3 %", "2013-03-04 96000, 2015-03-04 112000, 2017-03-04 67500, 2019-03-04 75000", BRITISH, NO, R.FALL, (2,), None),
    ("en miles, la plus grande allure et un peu plus", "2013-03-04 96000, 2015-03-04 112000, 2017-03-04 107500", CLASSIC, NONE, R.UNIT_CHANGE, (2,), None),
    ("en miles, plus que la plus grande allure", "2013-03-04 96000, 2015-03-04 112000, 2017-03-04 110000", CLASSIC, NO, R.FALL, (2,), None),
    ("une fois en miles, moins 3 %", "2013-03-04 96000, 2015-03-04 58000, 2017-03-04 111000", CLASSIC, NONE, R.UNIT_CHANGE, (1,), 3800),
    ("une fois en miles, moins un peu plus de 3 %", "2013-03-04 96000, 2015-03-04 57800, 2017-03-04 111000", CLASSIC, NO, R.FALL, (1,), None),
    ("une fois en miles, plus 3 %", "2013-03-04 96000, 2015-03-04 71000, 2017-03-04 111000", CLASSIC, NONE, R.UNIT_CHANGE, (1,), 3800),
    ("une fois en miles, plus un peu plus de 3 %", "2013-03-04 96000, 2015-03-04 71200, 2017-03-04 111000", CLASSIC, NONE, R.UNIT_CHANGE, (1,), None),
    ("une fois en kilomètres", "2013-03-04 40000, 2015-03-04 72405, 2017-03-04 50000, 2019-03-04 55000", CLASSIC, NONE, R.UNIT_CHANGE, (1,), 2500),
    ("haut une fois, et pas en kilomètres", "2013-03-04 40000, 2015-03-04 90000, 2017-03-04 50000, 2019-03-04 55000", CLASSIC, NO, R.FALL, (2,), None),
    ("le lendemain, 1 % de plus", "2017-03-04 240000, 2019-03-04 260000, 2019-03-05 262600", None, YES, R.RISING, (), 11300),
    ("au mois, vingt et un mois", "2015-03 41200, 2016-12 61200", None, YES, R.RISING, (), 11400),
    ("au mois, dix-neuf mois, trop large pour une moyenne", "2015-03 41200, 2016-10 61200", None, YES, R.RISING, (), None),
    ("deux mois jour pour jour", "2019-03-04 41200, 2019-05-05 43000", None, NONE, R.TOO_FEW, (), None),
    ("deux mois et un jour", "2019-03-04 41200, 2019-05-06 43000", None, YES, R.RISING, (), None),
    ("une visite et sa contre-visite, puis deux ans", "2017-03-04 61000, 2017-03-11 61200, 2019-03-04 81400", None, YES, R.RISING, (), 10200),
    # The gravest of two reasons is told
    ("un recul, puis un compteur remplacé", "2009-03-04 100000, 2011-03-04 60000, 2013-03-04 75000, 2015-03-04 5000, 2017-03-04 20000, 2019-03-04 30000", None, NO, R.FALL, (1,), None),
    ("revenu à zéro, puis remplacé", "1989-03-04 84000, 1991-03-04 97000, 1993-03-04 12000, 1995-03-04 60000, 1997-03-04 3000, 1999-03-04 10000, 2001-03-04 20000", OF_1984, NONE, R.REPLACED_COUNTER, (4,), None),
    ("revenu à zéro, puis une fois en miles", "1989-03-04 84000, 1991-03-04 97000, 1993-03-04 12000, 1995-03-04 26000, 1997-03-04 20000", Facts(may_count_miles=True, first_registration=shown("1984-05-02")), NONE, R.COUNTER_ROLLED_OVER, (2,), None),
    ("une faute de frappe, puis des miles", "2009-03-04 51000, 2011-03-04 620000, 2013-03-04 73000, 2015-03-04 84000, 2017-03-04 58000, 2019-03-04 66000", CLASSIC, NONE, R.UNIT_CHANGE, (4,), None),
    ("une faute de frappe, puis une hausse impossible", "2009-03-04 51000, 2011-03-04 620000, 2013-03-04 73000, 2015-03-04 84000, 2015-04-20 150000", None, NONE, R.TYPING_SLIP, (1,), None),
    ("reculée à l’import, puis une hausse impossible", "2015-03-04 91200, 2019-03-02 62300, 2021-03-02 70000, 2021-04-02 100000", Facts(imported=True, imported_on=shown("2018-11-30")), NONE, R.IMPLAUSIBLE_RISE, (3,), None),
    ("reculée à l’import, deux relevés en six semaines", "2018-11-10 91200, 2018-12-20 62300", Facts(imported=True, imported_on=shown("2018-11-30")), NONE, R.IMPORT, (1,), None),
    # Slips beside one another
    ("une faute cachée par une autre", "2011-03-04 61000, 2013-03-04 7200, 2015-03-04 830000, 2017-03-04 84000, 2019-03-04 96000", None, NONE, R.TYPING_SLIP, (1, 2), 4400),
    ("le premier relevé n’a rien à quoi se comparer", "2013-03-04 7200, 2015-03-04 900000, 2017-03-04 72100, 2017-03-20 72000", None, NONE, R.TYPING_SLIP, (1,), 16000),
    ("la contre-visite a recopié la faute, deux mois jour pour jour", "2013-03-04 61000, 2015-03-04 722000, 2015-05-05 722000, 2017-03-04 84000", None, NONE, R.TYPING_SLIP, (1, 2), 5800),
    ("la contre-visite a recopié la faute, à 1 % près", "2013-03-04 61000, 2015-03-04 722000, 2015-03-20 729220, 2017-03-04 84000", None, NONE, R.TYPING_SLIP, (1, 2), 5800),
    ("deux ans après, le même relevé n’est plus une copie", "2011-03-04 61000, 2013-03-04 722000, 2015-03-04 722000, 2017-03-04 84000, 2019-03-04 90000", None, NO, R.FALL, (3,), None),
    ("les voisins ne vont pas ensemble non plus", "2013-03-04 61000, 2013-04-04 722000, 2013-05-04 100000, 2015-03-04 110000", None, NO, R.FALL, (2,), None),
    ("beaucoup roulé, puis un arrondi", "2015-03-04 61000, 2015-06-04 84050, 2017-03-04 84000, 2019-03-04 91000", None, YES, R.RISING, (), 7500),
    ("beaucoup roulé, et un recul après la contre-visite", "2015-03-04 61000, 2015-06-04 84000, 2015-06-20 84950, 2017-03-04 84440, 2019-03-04 91000", None, NO, R.FALL, (3,), None),
    ("haut deux fois en une visite, et de retour", "2015-03-04 61000, 2015-06-04 84000, 2015-06-20 84950, 2017-03-04 83950, 2019-03-04 91000", None, NONE, R.TYPING_SLIP, (1, 2), 7500),
    ("haut à la contre-visite seule", "2015-03-04 61000, 2015-06-04 83000, 2015-06-20 84000, 2017-03-04 83000, 2019-03-04 91000", None, NO, R.FALL, (3,), None),
    ("un arrondi, puis beaucoup roulé", "2013-03-04 61000, 2015-03-04 60950, 2015-06-04 84000, 2019-03-04 91000", None, YES, R.RISING, (), 5000),
    ("bas à la visite, pas à la contre-visite", "2013-03-04 61000, 2015-03-04 60500, 2015-03-20 61200, 2015-06-04 84000, 2019-03-04 91000", None, NO, R.FALL, (1,), None),
    ("bas à la visite, comme avant à la contre-visite", "2013-03-04 61000, 2015-03-04 60500, 2015-03-20 61000, 2015-06-04 84000, 2019-03-04 91000", None, NO, R.FALL, (1,), None),
    ("bas une fois, et de retour plus vite qu’on ne roule", "2013-03-04 61000, 2015-03-04 20000, 2017-03-04 84000, 2019-03-04 90000", None, NONE, R.TYPING_SLIP, (1,), 4800),
    ("bas deux fois en une visite, et de retour plus vite qu’on ne roule", "2013-03-04 61000, 2015-03-04 24050, 2015-05-04 24050, 2017-03-04 84000, 2019-03-04 90000", None, NONE, R.TYPING_SLIP, (1, 2), 4800),
    ("deux chiffres échangés, comme avant", "2011-03-04 72000, 2013-03-04 27000, 2015-03-04 84000", None, NONE, R.TYPING_SLIP, (1,), 3000),
    ("deux chiffres échangés, comme après", "2011-03-04 72000, 2013-03-04 48000, 2015-03-04 84000", None, NONE, R.TYPING_SLIP, (1,), 3000),
    ("remplacé après trois relevés", "2009-03-04 150000, 2011-03-04 160000, 2013-03-04 181000, 2015-03-04 9000, 2017-03-04 24000, 2019-03-04 40000", None, NONE, R.REPLACED_COUNTER, (3,), None),
    # From miles to kilometres: faster than anybody, or than itself
    ("des miles aux kilomètres, dirait-on, d’une française", "2013-03-04 60000, 2015-03-04 65000, 2017-03-04 112000, 2019-03-04 120000", None, YES, R.RISING, (), 10000),
    ("vite, et avant plus vite du tiers", "2011-03-04 44000, 2013-03-04 60000, 2015-03-04 100000, 2017-03-04 102000", CLASSIC, YES, R.RISING, (), 9700),
    ("vite, et après plus vite du tiers", "2011-03-04 44000, 2013-03-04 46000, 2015-03-04 86000, 2017-03-04 102000", CLASSIC, YES, R.RISING, (), 9700),
    ("une grande rouleuse, des miles aux kilomètres", "2011-03-04 30000, 2013-03-04 60000, 2015-03-04 140000, 2017-03-04 170000", CLASSIC, NONE, R.UNIT_CHANGE, (2,), None),
    ("une grande rouleuse, à 30 000 km par an", "2009-03-04 40000, 2011-03-04 60000, 2015-03-04 180000, 2017-03-04 200000", CLASSIC, YES, R.RISING, (), 20000),
    ("une petite rouleuse, des miles aux kilomètres", "2011-03-04 60000, 2013-03-04 60200, 2015-03-04 100000, 2017-03-04 100200", CLASSIC, NONE, R.UNIT_CHANGE, (2,), None),
    ("vite, et rien à quoi le comparer", "2013-03-04 60000, 2015-03-04 100000", CLASSIC, YES, R.RISING, (), 20000),
    ("le double, et pas plus vite qu’après", "2013-03-04 10000, 2015-03-04 20000, 2017-03-04 30000", CLASSIC, YES, R.RISING, (), 5000),
    ("plus vite qu’elle-même, et trop peu pour des miles", "2011-03-04 100000, 2013-03-04 102000, 2015-03-04 120000, 2017-03-04 122000", CLASSIC, YES, R.RISING, (), 3700),
    ("plus vite qu’elle-même, et trop pour des miles", "2013-03-04 60000, 2015-03-04 65000, 2017-03-04 300000", CLASSIC, YES, R.RISING, (), 60000),
    ("moins d’un an", "2019-03-04 41200, 2020-03-02 61300", None, YES, R.RISING, (), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("story", "facts", "verdict", "reason", "at", "km_a_year"),
    [story[1:] for story in STORIES],
    ids=[story[0] for story in STORIES],
)
def test_a_story_and_what_is_said_of_it(story, facts, verdict, reason, at, km_a_year):
    said = judge(readings(story), facts)
    assert (said.verdict, said.reason, said.at) == (verdict, reason, at)
    assert said.km_a_year == km_a_year


def test_a_step_names_the_readings_on_both_sides():
    said = judge(readings("2013-03-04 92000, 2013-03-04 91800, 2017-03-04 61000"))
    assert (said.reason, said.at, said.steps) == (R.FALL, (2,), ((0, 2),))


def test_the_readings_of_an_import_rise_and_nothing_is_said_of_before():
    said = judge(readings("2015-03-04 91200, 2017-03-02 112300"), FOREIGN)
    assert (said.verdict, said.km_a_year) == (NONE, 10600)
    fell = judge(readings("2015-03-04 91200, 2017-03-02 62300"), FOREIGN)
    assert fell.km_a_year is None


def test_the_last_reading_is_the_newest_and_of_one_day_the_highest():
    said = judge(readings("2015-03-04 41200, 2017-03-02 62300, 2017-03-02 62100"))
    assert said.last == Reading(shown("2017-03-02"), 62300)


def test_the_last_reading_is_told_where_there_are_too_few():
    said = judge(readings("2019-03-04 41200, 2019-04-20 42100"))
    assert (said.reason, said.last) == (R.TOO_FEW, Reading(shown("2019-04-20"), 42100))
    said = judge(readings("2019-03-04 41200"))
    assert (said.reason, said.last) == (R.TOO_FEW, Reading(shown("2019-03-04"), 41200))
    assert judge([]).last is None


@pytest.mark.parametrize(
    ("digits", "meant"),
    [
        # One digit less, two exchanged, one more at each place
        ("7", {*range(7, 98, 10), *range(70, 80)}),
        (
            "12",
            {1, 2, 21, *range(12, 913, 100), *range(102, 193, 10), *range(120, 130)},
        ),
    ],
)
def test_a_slip_of_one_key_has_these_meanings(digits, meant):
    assert set(odometer._meant(digits)) == meant


@pytest.mark.parametrize(
    ("origin", "in_miles"),
    [
        *((code, True) for code in ("GB", "GBR", "US", "USA", "gb")),
        *((code, False) for code in ("D", "B", None)),
    ],
)
def test_counters_of_great_britain_and_the_united_states_may_count_miles(
    origin, in_miles
):
    record = Record(
        register=Register.SIV,
        masked_plate="AA-1**-AA",
        imported=True,
        origin_code=origin,
    )
    made = report(record, audience=Audience.HOLDER, as_of=dt.date(2026, 1, 1))
    assert facts_of(made).may_count_miles is in_miles


@pytest.mark.parametrize(
    ("import_date", "came"), [(None, "2016-07-08"), (dt.date(2015, 3, 4), "2015-03-04")]
)
def test_an_import_without_a_date_came_on_the_day_of_its_first_registration_here(
    import_date, came
):
    record = Record(
        register=Register.SIV,
        masked_plate="AA-1**-AA",
        imported=True,
        import_date=import_date,
        operations=(
            Operation("CHANG_TIT_NORMAL", dt.date(2018, 1, 2)),
            Operation("IMMAT_NORMALE_PREM_VO", dt.date(2016, 7, 8)),
        ),
    )
    made = report(record, audience=Audience.HOLDER, as_of=dt.date(2026, 1, 1))
    assert facts_of(made).imported_on == shown(came)


def test_facts_come_from_the_report():
    record = Record(
        register=Register.SIV,
        masked_plate="AA-1**-AA",
        imported=True,
        origin_code="gbr",
        import_date=dt.date(2015, 3, 4),
        first_registration=dt.date(2010, 1, 2),
    )
    made = report(record, audience=Audience.HOLDER, as_of=dt.date(2026, 1, 1))
    assert facts_of(made) == Facts(True, shown("2015-03-04"), shown("2010-01-02"), True)
    french = Record(register=Register.SIV, masked_plate="AA-1**-AA", usages=("COL",))
    made = report(french, audience=Audience.HOLDER, as_of=dt.date(2026, 1, 1))
    assert facts_of(made) == Facts(None, None, None, True)


def test_inspections_that_read_nothing_are_no_readings():
    inspected = Inspected(
        inspections=(
            Inspection(dt.date(2021, 3, 4), "VTP", "A", 61300),
            Inspection(dt.date(2020, 3, 4), "VTC", "A"),
            Inspection(dt.date(2019, 3, 4), "VTP", "A", 41200),
        ),
        source=Source.REGISTER,
        as_of=dt.date(2026, 1, 1),
        absence=None,
    )
    record = Record(register=Register.SIV, masked_plate="AA-1**-AA")
    made = report(
        record,
        audience=Audience.HOLDER,
        as_of=dt.date(2026, 1, 1),
        inspected=inspected,
    )
    assert list(readings_of(made)) == readings("2019-03-04 41200, 2021-03-04 61300")


DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2025, 12, 31))
KM = st.integers(0, 999_999)
FACTS = st.builds(
    Facts,
    imported=st.sampled_from((None, False, True)),
    imported_on=st.none() | DAYS.map(ShownDate),
    first_registration=st.none() | DAYS.map(ShownDate),
    may_count_miles=st.booleans(),
)
PRECISIONS = st.sampled_from(Precision)


def coarse(day, precision):
    if precision is Precision.DAY:
        return ShownDate(day)
    month = day.month if precision is Precision.MONTH else 1
    return ShownDate(day.replace(month=month, day=1), precision)


@st.composite
def any_readings(draw, most=12):
    days = sorted(draw(st.lists(DAYS, max_size=most)))
    return [Reading(coarse(day, draw(PRECISIONS)), draw(KM)) for day in days]


@given(any_readings(), FACTS)
def test_readings_that_rise_are_never_inconsistent(drawn, facts):
    rising = sorted(one.mileage_km for one in drawn)
    series = [Reading(one.date, km) for one, km in zip(drawn, rising, strict=True)]
    assert judge(series, facts).verdict is not NO


@given(st.integers(5, 20), st.integers(1_000, 29_000), st.data())
def test_a_fall_in_a_long_steady_series_is_never_consistent(count, yearly, data):
    km = [10_000 + yearly * number for number in range(count)]
    place = data.draw(st.integers(1, count - 1))
    km[place] = km[place - 1] - data.draw(st.integers(101, km[place - 1]))
    series = [
        Reading(ShownDate(dt.date(2000 + year, 5, 2)), one)
        for year, one in enumerate(km)
    ]
    assert judge(series).verdict is not YES


@given(any_readings(), FACTS, st.randoms())
def test_the_order_of_one_day_does_not_matter(drawn, facts, random):
    series = [
        Reading(ShownDate(one.date.date), one.mileage_km) for one in [*drawn, *drawn]
    ]
    series.sort(key=lambda one: one.date.date)
    shuffled = series[:]
    random.shuffle(shuffled)
    shuffled.sort(key=lambda one: one.date.date)
    assert without_places(judge(shuffled, facts)) == without_places(
        judge(series, facts)
    )


def without_places(said: Mileage):
    return dataclasses.replace(said, at=(), steps=())


@given(any_readings(), st.integers(1, 5))
def test_the_same_story_four_years_later_is_the_same(drawn, times):
    def later(one):
        date = one.date.date
        moved = dataclasses.replace(
            one.date, date=date.replace(year=date.year + 4 * times)
        )
        return Reading(moved, one.mileage_km)

    said, again = judge(drawn), judge([later(one) for one in drawn])
    assert dataclasses.replace(again, last=said.last) == said


@given(any_readings(), FACTS)
def test_what_is_named_exists_and_fits_the_reason(drawn, facts):
    said = judge(drawn, facts)
    assert all(0 <= place < len(drawn) for place in said.at)
    assert {after for _before, after in said.steps} <= set(said.at)
    assert (said.verdict is YES) == (said.reason is R.RISING)
    assert (said.verdict is NO) == (said.reason is R.FALL)
    assert said.km_a_year is None or said.km_a_year >= 0
    if said.reason in (R.RISING, R.TOO_FEW):
        assert not said.at


def test_a_visit_lasts_two_months():
    assert ONE_VISIT_DAYS == (dt.date(2019, 9, 1) - dt.date(2019, 7, 1)).days


def test_the_worst_readings_that_are_accepted_cost_a_report_little():
    """As many as a vehicle may have, each of which looks like a slip."""
    readings = [
        Reading(
            ShownDate(dt.date(2010, 1, 1) + dt.timedelta(days=40 * number)),
            9_000_000 - number if number % 2 else 1_000 + number,
        )
        for number in range(INSPECTIONS_MAX)
    ]
    before = time.process_time()
    judge(readings)
    assert time.process_time() - before < 0.2
