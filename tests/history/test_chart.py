import datetime as dt
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from histovet.history.chart import HEIGHT, WIDTH, ChartWords, mileage_chart
from histovet.history.dates import Precision, ShownDate
from histovet.history.odometer import Reading

SVG = "{http://www.w3.org/2000/svg}"
WORDS = ChartWords("Kilométrage relevé", "Trois relevés, de 17 900 à 84 310 km.")


def read(year, km, month=3, precision=Precision.DAY):
    return Reading(ShownDate(dt.date(year, month, 1), precision), km)


STORY = [read(2019, 17900), read(2021, 84310), read(2023, 38940), read(2025, 61200)]
RESULTS = ["A", "S", "R", "X"]


def number(value):
    return f"{value:,}".replace(",", "\u202f")


def draw(readings=STORY, results=None, *, at=(), plain=False, words=WORDS, **more):
    results = results or ["A"] * len(readings)
    return mileage_chart(
        readings, results, at=at, plain=plain, words=words, number=number, **more
    )


def tree(*args, **more):
    return ElementTree.fromstring(draw(*args, **more))


def group(root, **attributes):
    return next(
        one
        for one in root.iter(f"{SVG}g")
        if all(one.get(name) == value for name, value in attributes.items())
    )


def marks(root):
    """Return (shape, x, y) of each point, in the order in which they are drawn."""
    points = group(root, **{"stroke-width": "1.5"})
    found = []
    for one in points:
        across, up = one.get("cx") or one.get("x"), one.get("cy") or one.get("y")
        is_share = across.endswith("%")
        x = float(across.rstrip("%")) * (WIDTH / 100 if is_share else 1)
        found.append((one.tag.removeprefix(SVG), x, float(up)))
    return found


def labels(root):
    return [one.text for one in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("plain", [False, True])
def test_a_point_a_reading_and_a_line_through_all(plain):
    root = tree(STORY, RESULTS, plain=plain)
    drawn = marks(root)
    assert sorted(shape for shape, *_ in drawn) == ["circle", "rect", "use", "use"]
    (line,) = root.iter(f"{SVG}polyline")
    pairs = [
        tuple(float(part) for part in pair.split(","))
        for pair in line.get("points").split()
    ]
    assert len(pairs) == len(STORY)
    by_place = sorted((x, y) for _shape, x, y in drawn)
    for (x, y), (mark_x, mark_y) in zip(pairs, by_place, strict=True):
        assert abs(x - mark_x) < 0.05 and y == mark_y


def test_the_outcome_is_a_shape():
    shapes = {
        code: marks(tree([read(2019, 17900)], [code]))[0][0]
        for code in ("A", "AP", "S", "SP", "R", "RP", "X", "?")
    }
    assert shapes == {
        **dict.fromkeys(("A", "AP"), "circle"),
        **dict.fromkeys(("S", "SP", "R", "RP"), "use"),
        **dict.fromkeys(("X", "?"), "rect"),
    }


def test_a_failure_is_drawn_over_its_counter_visit():
    failed = tree([read(2021, 84310, 3), read(2021, 84400, 4)], ["S", "A"])
    assert [shape for shape, *_ in marks(failed)] == ["circle", "use"]


def test_a_named_reading_has_a_ring_around_its_point():
    root = tree(STORY, RESULTS, at=(1,))
    (ring,) = group(root, **{"class": "off"})
    assert (ring.get("r"), group(root, **{"class": "off"}).get("fill")) == (
        "12",
        "none",
    )
    assert ("use", float(ring.get("cx")[:-1]) * WIDTH / 100, float(ring.get("cy"))) in [
        (shape, pytest.approx(x), y) for shape, x, y in marks(root)
    ]
    assert not list(group(tree(STORY, RESULTS), **{"class": "off"}))


def test_more_kilometres_are_higher_and_later_days_are_further_right():
    points = sorted((x, y) for _shape, x, y in marks(tree()))
    heights = [y for _x, y in points]
    assert heights[1] < heights[3] < heights[2] < heights[0]
    gaps = [after - before for (before, _), (after, _) in pairwise(points)]
    assert max(gaps) - min(gaps) < 1


def test_a_longer_wait_is_wider():
    points = sorted(
        x
        for _shape, x, _y in marks(tree([read(2010, 1), read(2011, 2), read(2020, 3)]))
    )
    assert (points[2] - points[1]) / (points[1] - points[0]) == pytest.approx(
        9, abs=0.1
    )


@pytest.mark.parametrize("precision", [Precision.MONTH, Precision.YEAR])
def test_a_coarse_date_stands_in_the_middle_of_its_period(precision):
    middle = {
        Precision.MONTH: dt.date(2020, 1, 16),
        Precision.YEAR: dt.date(2020, 7, 1),
    }
    others = [read(2010, 1), read(2030, 3)]
    coarse = [others[0], read(2020, 2, 1, precision), others[1]]
    exact = [others[0], Reading(ShownDate(middle[precision]), 2), others[1]]
    assert marks(tree(coarse)) == marks(tree(exact))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    "readings",
    [
        STORY,
        [read(2020, 0)],
        [read(2020, 0, 1), read(2020, 999_999, 12)],
        [read(1950, 1), read(2026, 12_345_678, 12)],
        [read(2020, 100_000, 1, Precision.YEAR)],
        [read(2020, 12_000), read(2020, 12_000)],
    ],
)
def test_everything_stands_within_the_picture(readings, plain):
    root = tree(readings, at=range(len(readings)), plain=plain)
    for _shape, x, y in marks(root):
        assert 12 <= x <= WIDTH - 12 and 12 <= y <= HEIGHT - 12
    for one in root.iter(f"{SVG}text"):
        assert 12 <= float(one.get("y")) <= HEIGHT


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (84_310, ["0 km", "25 000", "50 000", "75 000", "100 000"]),
        (100_000, ["0 km", "25 000", "50 000", "75 000", "100 000"]),
        (100_001, ["0 km", "50 000", "100 000", "150 000"]),
        (7, ["0 km", "250", "500", "750", "1 000"]),
        (1_250_000, ["0 km", "500 000", "1 000 000", "1 500 000"]),
    ],
)
def test_kilometres_are_marked_in_round_steps_from_nought(most, expected):
    drawn = [
        one for one in labels(tree([read(2020, most)])) if not one.startswith("20")
    ]
    assert [re.sub(r"\s", " ", one) for one in drawn] == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (2021, 2021, ["2021", "2022"]),
        (2019, 2022, ["2019", "2020", "2021", "2022", "2023"]),
        (2019, 2025, ["2019", "2021", "2023", "2025"]),
        (1990, 2020, ["1990", "1998", "2006", "2014"]),
    ],
)
def test_at_most_five_years_are_named(first, last, expected):
    assert labels(tree([read(first, 1), read(last, 2)]))[-len(expected) :] == expected
    assert len(labels(tree([read(first, 1), read(last, 2)]))) == len(expected) + 5


@pytest.mark.parametrize("plain", [False, True])
def test_nothing_that_a_strict_page_refuses_and_nothing_from_elsewhere(plain):
    drawn = draw(STORY, RESULTS, at=(1,), plain=plain)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|url\(", drawn)
    assert re.findall(r'(?:href|src)="([^"]*)"', drawn) == ["#mileage-no"] * 2
    assert drawn.count("http") == 1


def test_a_document_has_its_own_colours_and_no_classes():
    plain = draw(plain=True)
    assert "class=" not in plain and "currentColor" not in plain and "%" not in plain
    page = draw()
    assert "#" not in page.replace("#mileage-no", "")
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in plain


def test_it_is_one_image_with_a_name_and_a_description():
    root = tree()
    assert root.get("role") == "img"
    named = {one.get("id"): one.text for one in root if one.get("id")}
    assert [named[one] for one in root.get("aria-labelledby").split()] == [
        WORDS.title,
        WORDS.description,
    ]


def test_texts_are_escaped():
    nasty = '"><script>&'
    words = ChartWords(nasty, nasty, nasty)
    root = ElementTree.fromstring(
        mileage_chart(
            [read(2020, 5)],
            [nasty],
            at=(),
            plain=False,
            words=words,
            number=lambda value: f"{value}{nasty}",
        )
    )
    assert root.find(f"{SVG}title").text == nasty
    assert not list(root.iter(f"{SVG}script"))
    assert "1000" + nasty in labels(root)


def test_a_result_for_each_reading():
    with pytest.raises(ValueError, match="zip"):
        draw(STORY, ["A"])


def test_without_readings_there_is_no_chart():
    assert draw([]) == ""


def test_sixty_points_weigh_less_than_eight_kilobytes():
    many = [read(1990 + n // 2, 5317 * n + 201, 1 + n % 2 * 6) for n in range(60)]
    for plain in (False, True):
        drawn = draw(many, ["A", "S"] * 30, at=range(60), plain=plain)
        assert len(drawn.encode()) < 8_000
