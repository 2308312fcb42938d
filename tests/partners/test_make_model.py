"""Makes and models as sellers write them, and as the register does."""

import itertools
import json

import pytest

from histovet.partners.make_model import Likeness, compare_makes, compare_models
from tests.extract import printed

MAKES = [
    ("Renault", "RENAULT", None, "equal"),
    ("Citroën", "CITROEN", None, "equal"),
    ("CITROE\u0308N", "CITROEN", None, "equal"),
    ("ＣＩＴＲＯＥＮ", "CITROEN", None, "equal"),
    ("BMW", "B.M.W.", None, "equal"),
    ("Mercedes", "MERCEDES BENZ", None, "equivalent"),
    ("Mercedes-Benz", "MERCEDES", None, "equivalent"),
    ("Mercedes-Benz", "MERCEDES BENZ", None, "equal"),
    ("VW", "VOLKSWAGEN", None, "equivalent"),
    ("Volkswagen", "VW", None, "equivalent"),
    ("Alfa", "ALFA ROMEO", None, "equivalent"),
    ("Ford", "FORD CEE", None, "equivalent"),
    ("Massey Ferguson", "MASSEY FER", None, "equivalent"),
    ("Massey Ferguson", "MASSEY F", None, "equivalent"),
    ("Volswagen", "VOLKSWAGEN", None, "equivalent"),
    ("Peugoet", "PEUGEOT", None, "equivalent"),
    ("Renaut", "RENAULT", None, "equivalent"),
    ("DS", "CITROEN", "DS3", "equivalent"),
    ("DS Automobiles", "CITROEN", "DS 3", "equivalent"),
    ("DS", "CITROEN", None, "equivalent"),
    ("DS", "CITROEN", "C3", "different"),
    ("Citroën", "DS", "DS3", "equivalent"),
    ("Mini", "BMW", "MINI COOPER", "equivalent"),
    ("Mini", "BMW", "320D", "different"),
    ("Smart", "MERCEDES BENZ", "SMART", "equivalent"),
    ("Peugeot", "RENAULT", "CLIO", "different"),
    ("Honda", "HYUNDAI", None, "different"),
    ("Skoda", "HONDA", None, "different"),
    ("Seat", "SAAB", None, "different"),
    ("Dacia", "LANCIA", None, "different"),
    ("Lexus", "LOTUS", None, "different"),
    ("Rover", "LAND ROVER", None, "different"),
    ("?!", "RENAULT", None, "not_comparable"),
    ("Renault", "NON DEFINI", None, "not_comparable"),
    ("", "RENAULT", None, "not_comparable"),
]


@pytest.mark.parametrize(("claimed", "recorded", "model", "likeness"), MAKES)
def test_makes(claimed, recorded, model, likeness):
    assert compare_makes(claimed, recorded, model) is Likeness(likeness)


MODELS = [
    ("Clio", "CLIO", "RENAULT", "equal"),
    ("Clio IV 1.5 dCi 90", "CLIO", "RENAULT", "contained"),
    ("Clio", "CLIO IV 1.5 DCI", "RENAULT", "contained"),
    ("Renault Clio", "CLIO", "RENAULT", "equal"),
    ("Clio 4", "CLIO IV", "RENAULT", "equal"),
    ("Clio 3", "CLIO IV", "RENAULT", "different"),
    ("Clio", "CLIORTA/RT", "RENAULT", "contained"),
    ("Clio", "CLIOSTE", "RENAULT", "contained"),
    ("Mégane", "MEGANE", "RENAULT", "equal"),
    ("Meganne", "MEGANE", "RENAULT", "equivalent"),
    ("Scénic", "MEGANE SCENIC", "RENAULT", "contained"),
    ("Mégane", "MEGANE SCENIC", "RENAULT", "less_precise"),
    ("Mégane", "MEGANESCEN", "RENAULT", "less_precise"),
    ("Mégane Scénic", "MEGANE", "RENAULT", "less_precise"),
    ("R5", "R5FIVE/TL", "RENAULT", "contained"),
    ("5", "R5", "RENAULT", "equal"),
    ("Twingo", "CLIO", "RENAULT", "different"),
    ("C 3", "C3", "CITROEN", "equal"),
    ("C3", "C30", "VOLVO", "different"),
    ("C3", "C4", "CITROEN", "different"),
    ("C4 Picasso 1.6 HDi 110", "C4 PICASSO", "CITROEN", "contained"),
    ("C4", "C4 PICASSO", "CITROEN", "less_precise"),
    ("C4 Cactus", "C4 PICASSO", "CITROEN", "different"),
    ("C15", "C15D", "CITROEN", "contained"),
    ("DS3", "DS 3", "CITROEN", "equal"),
    ("DS 4", "DS3", "DS", "different"),
    ("208", "208", "PEUGEOT", "equal"),
    ("208", "2008", "PEUGEOT", "different"),
    ("206", "206+", "PEUGEOT", "equal"),
    ("405", "405GLD/GRD", "PEUGEOT", "contained"),
    ("308 SW 1.6 BlueHDi 120", "308", "PEUGEOT", "contained"),
    ("Golf", "GOLF 7", "VOLKSWAGEN", "contained"),
    ("Golf VII 1.6 TDI", "GOLF 7", "VOLKSWAGEN", "contained"),
    ("Golf 6", "GOLF VII", "VOLKSWAGEN", "different"),
    ("Golf", "GOLF PLUS", "VOLKSWAGEN", "less_precise"),
    ("Golf", "POLO", "VOLKSWAGEN", "different"),
    ("Ka", "KADJAR", "RENAULT", "different"),
    ("C-Max", "C-MAX", "FORD", "equal"),
    ("Uno", "UNOFIRE", "FIAT", "contained"),
    ("320d", "SERIE 3", "BMW", "equivalent"),
    ("Série 3", "320D", "BMW", "equivalent"),
    ("Série 5", "525", "B.M.W.", "equivalent"),
    ("X5", "SERIE X", "BMW", "equivalent"),
    ("Série 3", "M3", "BMW", "equivalent"),
    ("Série 3", "M340I", "BMW", "equivalent"),
    ("M3", "SERIE 3", "BMW", "less_precise"),
    ("M 3 Compétition", "SERIE 3", "BMW", "less_precise"),
    ("M3", "M3", "BMW", "equal"),
    ("M3", "M5", "BMW", "different"),
    ("Série 5", "M3", "BMW", "different"),
    ("320d", "M3", "BMW", "different"),
    ("Série 3 320d", "M3", "BMW", "different"),
    ("M3", "320D", "BMW", "different"),
    ("e-208", "208", "PEUGEOT", "less_precise"),
    ("208", "E-208", "PEUGEOT", "less_precise"),
    ("e-208", "E208", "PEUGEOT", "equal"),
    ("Peugeot e-208", "208 ELECTRIQUE", "PEUGEOT", "equal"),
    ("e-208", "208 1.2 PURETECH", "PEUGEOT", "different"),
    ("e-208", "E-2008", "PEUGEOT", "different"),
    ("e-2008", "208", "PEUGEOT", "different"),
    ("ë-C4", "C4", "CITROEN", "less_precise"),
    ("e-Golf", "GOLF", "VOLKSWAGEN", "less_precise"),
    ("e-Expert", "EXPERT", "PEUGEOT", "less_precise"),
    ("Expert", "EXPERT", "PEUGEOT", "equal"),
    ("E 220", "CLASSE E", "MERCEDES", "equivalent"),
    ("Série 1", "SERIE 3", "BMW", "different"),
    ("B 180", "CLASSE B", "MERCEDES BENZ", "equivalent"),
    ("Classe C", "C220 CDI", "MERCEDES", "equivalent"),
    ("Classe A", "CLASSE B", "MERCEDES BENZ", "different"),
    ("Clio", "NON DEFINI", "RENAULT", "not_comparable"),
    ("***", "CLIO", "RENAULT", "not_comparable"),
    ("1.5 dCi", "CLIO", "RENAULT", "not_comparable"),
    ("Panda", "N.PANDA EMOTION", "FIAT", "contained"),
    ("Xsara", "XSARAPICAH", "CITROEN", "less_precise"),
    ("Série 1", "R 1200 R", "BMW", "different"),
    ("Model 3", "MODEL S", "TESLA", "different"),
    ("Classe GL", "CLASSE GLA", "MERCEDES BENZ", "different"),
    ("Classe C 220", "C 220 CDI", "MERCEDES", "equivalent"),
    ("320i", "320D", "BMW", "different"),
    ("320", "320D", "BMW", "contained"),
    ("A3 TDI", "A31.9TDI", "AUDI", "contained"),
    ("A4 TDI", "A31.9TDI", "AUDI", "different"),
    ("Escort 1.8", "ESCORT1.6", "FORD", "less_precise"),
    ("Clio IV 1.5 dCi 90", "CLIO DIESEL", "RENAULT", "contained"),
    ("Clio IV 1.5 dCi 90 EDC 5p 2014", "CLIO", "RENAULT", "contained"),
    ("Clio dCi 90", "CLIO DCI 75", "RENAULT", "less_precise"),
    ("Clio 90 ch", "CLIO 75", "RENAULT", "less_precise"),
    ("Z 1000 CH", "Z 125", "KAWASAKI", "less_precise"),
    ("Z Auto 1000", "Z 125", "KAWASAKI", "less_precise"),
    ("Clio 1.2 16V", "CLIO 75", "RENAULT", "contained"),
    ("Clio 1.2 75", "CLIO 60", "RENAULT", "contained"),
    ("Clio 1.2 75", "CLIO", "RENAULT", "contained"),
    ("Duke 125", "125 DUKE", "KTM", "equivalent"),
    ("Duke 390", "125 DUKE", "KTM", "different"),
    ("Golf GTD", "GOLF", "VOLKSWAGEN", "less_precise"),
    ("R19 GTD", "R19", "RENAULT", "contained"),
    ("Clio Alizé", "CLIO RT", "RENAULT", "less_precise"),
    ("Clio RS", "CLIO", "RENAULT", "less_precise"),
    ("Clio", "CLIO RS", "RENAULT", "contained"),
    ("Mégane RS Line", "MEGANE", "RENAULT", "contained"),
    ("Golf GTI", "GOLF", "VOLKSWAGEN", "less_precise"),
    ("Golf", "GOLFGTI", "VOLKSWAGEN", "contained"),
    ("Golf TDI", "GOLFGTI", "VOLKSWAGEN", "different"),
    ("C 63 AMG", "CLASSE C", "MERCEDES BENZ", "less_precise"),
    ("X5 M", "X5", "BMW", "less_precise"),
    ("X5 Pack M", "X5", "BMW", "contained"),
    ("911 Turbo", "911", "PORSCHE", "less_precise"),
    ("911 Carrera", "911", "PORSCHE", "contained"),
    ("R 1200 GS", "R 1200 R", "BMW", "less_precise"),
    ("CB 1000 R", "CB1000R", "HONDA", "equal"),
    ("Z 800 ABS", "Z800", "KAWASAKI", "contained"),
    ("3008 Hybrid4", "3008 HDI", "PEUGEOT", "less_precise"),
    ("3008 HDi Hybrid4", "3008 HDI", "PEUGEOT", "contained"),
]
# They contradict each other, whichever is the advert's.
APART = [
    ("CB 1000 R", "CB 125", "HONDA", "different"),
    ("MT 10", "MT 125", "YAMAHA", "different"),
    ("Z 1000", "Z 125", "KAWASAKI", "different"),
    ("DUKE 1290", "DUKE 125", "KTM", "different"),
    ("NINJA 1000", "NINJA 125", "KAWASAKI", "different"),
    ("R 1250", "R 850", "BMW", "different"),
    ("C 63 AMG", "C 180", "MERCEDES BENZ", "different"),
    ("E 63 AMG", "E 200", "MERCEDES BENZ", "different"),
    ("A 45 AMG", "A 160", "MERCEDES BENZ", "different"),
    ("GOLF GTI", "GOLF SDI", "VOLKSWAGEN", "different"),
    ("911 TURBO", "911 CARRERA", "PORSCHE", "different"),
    ("CLIO 1.5 DCI", "CLIO TCE", "RENAULT", "different"),
    ("MONDEO HYBRID", "MONDEO TDCI", "FORD", "less_precise"),
    ("SERIE 3 335i", "318D", "BMW", "different"),
]
MODELS += APART + [(other, one, make, told) for one, other, make, told in APART]


@pytest.mark.parametrize(("claimed", "recorded", "make", "likeness"), MODELS)
def test_models(claimed, recorded, make, likeness):
    assert compare_models(claimed, recorded, make) is Likeness(likeness)


ALIKE = {Likeness.EQUAL, Likeness.EQUIVALENT, Likeness.CONTAINED}


@pytest.fixture(scope="module")
def real_pairs():
    """Make and commercial name of each vehicle of the real extract, once each."""
    facts = [json.loads(one.facts) for one in printed()]
    return sorted(
        {
            (one["marque"], one.get("nom_commercial"))
            for one in facts
            if "marque" in one
        },
        key=str,
    )


def test_each_real_vehicle_is_itself_however_it_is_written(real_pairs):
    assert len(real_pairs) > 700
    for make, model in real_pairs:
        told = compare_makes(make.title(), make, model)
        assert told in (Likeness.EQUAL, Likeness.NOT_COMPARABLE), make
        if model is None:
            continue
        for claimed in (model.lower(), f"{make} {model}", f"{model} 1.5 dCi 90 ch"):
            told = compare_models(claimed, model, make)
            assert told in ALIKE | {Likeness.NOT_COMPARABLE}, (claimed, model)


def test_few_models_of_one_real_make_are_taken_for_one_another(real_pairs):
    """Of all pairs of names of one make; what is alike is one with more said of it."""
    pairs, seen = 0, []
    for make, group in itertools.groupby(real_pairs, key=lambda one: one[0]):
        names = [model for _make, model in group if model]
        for one, other in itertools.combinations(names, 2):
            pairs += 1
            if compare_models(one, other, make) in ALIKE:
                seen.append((one, other))
    assert pairs > 3000
    assert len(seen) < pairs * 0.02


def test_real_makes_are_told_apart(real_pairs):
    makes = sorted({make for make, _model in real_pairs})
    alike = {
        (one, other)
        for one, other in itertools.combinations(makes, 2)
        if compare_makes(one, other, "X") in ALIKE
    }
    told = sorted(alike)
    assert len(told) < len(makes) / 4, told
