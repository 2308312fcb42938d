import pytest
from hypothesis import given
from hypothesis import strategies as st

from histovet.pages.redaction import Kind, redacted
from histovet.sharing import codes

CODE = codes.encode(bytes(range(16)), codes.Kind.LINK)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        *[
            (Kind.PLATE, plate)
            for plate in (
                "EK-712-QD", "ek712qd", "ek 712 qd", "EK 712 QD", "EK.712.QD", "AA-1234-A",
                "EK‑712‑QD", "EK\u00a0712\u00a0QD", "E\u200bK-712-QD", "ＥＫ－７１２－ＱＤ",
                "123 ABC 75", "123abc75", "1234 AB 2A", "12 AB 971", "9-ZZZ-13",
                "AU 123 LE", "DE-200-KM",
            )
        ],
        *[
            (Kind.FORMULA, number)
            for number in ("2024AB12345", "2024 ab 12345", "2024-AB-12345", "09XY00001")
        ],
        *[
            (Kind.VIN, number)
            for number in (
                "VF3ABCDEF12345678", "vf3abcdef12345678", "VF1 KZ1 4H6 45 678901",
                "VF1-KZ14H6-45678901", "WVWZZZ1JZ3W386752",
            )
        ],
        *[
            (Kind.CODE, code)
            for code in (
                CODE, CODE.lower(), codes.grouped(CODE), codes.grouped(CODE).lower(),
                codes.grouped(CODE).replace("-", " "),
                f"https://histovet.example/r/AbCdEfGhIjKlMnOp#{CODE}",
                "histovet.example/en/r/AbCdEfGhIjKlMnOp",
                "k7Jd82mQp0_aa91LsWx4-tT", f"hv_{'aZ-_' * 10}bcd",
            )
        ],
    ],
)  # fmt: skip
def test_what_names_a_vehicle_is_taken_away(kind, typed):
    for text in (typed, f"Bonjour,\nc’est ({typed}).\nMerci", f"Ma voiture : {typed}"):
        found = redacted(text)
        assert found.kinds == (kind,)
        assert f"[{kind.value}]" in found.text
        left = "".join(c for c in found.text.upper() if c.isalnum())
        assert "".join(c for c in typed.upper() if c.isalnum()) not in left


@pytest.mark.parametrize(
    "text",
    [
        "Le compteur affiche 123 456 km, et j’ai fait de 200 km par jour.",
        "Il a 123 km. At 150 km in 2019.",
        "Le 12 mai 2019, puis le 12 mai 19 à 12 h 30 ; né le 31/12/2005.",
        "Peugeot 208 de 2017, 5 CV, moteur de 90 ch, 1.9 TDI 130, BMW 320 d",
        "UNE DACIA DE 90 CH ET 200 KM",
        "J’habite 12 rue du Lac, 75001 Paris ; téléphone 06 12 34 56 78.",
        "Le lien reçu hier ne s’ouvre pas, la page dit qu’il est terminé.",
        "anticonstitutionnellement",
        "il y a 2 ans et 12 jours",
        "L’article L. 322-2 du code de la route",
        "les cinq fois une des par les mes qui ont été vus",
    ],
)
def test_sentences_stay_as_they_are(text):
    found = redacted(text)
    assert found.kinds == ()
    assert found.text == text


def test_each_kind_is_told_once_and_in_one_order():
    found = redacted("EK-712-QD, EK-713-QD, 2024AB12345, VF3ABCDEF12345678")
    assert found.kinds == (Kind.VIN, Kind.FORMULA, Kind.PLATE)
    assert found.text == "[plaque], [plaque], [formule], [vin]"


letters = st.text("ABCDEFGHJKLMNPQRSTVWXYZ", min_size=2, max_size=2)


@given(letters, st.integers(1, 999), letters, st.sampled_from(["-", "", "."]))
def test_every_siv_plate_is_taken_away(first, number, last, gap):
    plate = f"{first}{gap}{number:03}{gap}{last}"
    assert redacted(f"plaque {plate}").text == "plaque [plaque]"


@given(st.binary(min_size=16, max_size=16), st.sampled_from(list(codes.Kind)))
def test_every_code_is_taken_away(secret, kind):
    code = codes.encode(secret, kind)
    for written in (code, codes.grouped(code), codes.grouped(code).lower()):
        assert redacted(f"mon code {written}").text == "mon code [code]"


@given(st.text(max_size=200))
def test_any_text_comes_out_and_nothing_is_found_twice(text):
    once = redacted(text).text
    assert redacted(once).text == once
