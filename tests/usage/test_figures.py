"""What is published: rounded, late enough, and the same for none and for a few."""

import datetime as dt

import pytest

from histovet.charts import round_marks
from histovet.usage.chart import bars
from histovet.usage.daily_counts import What
from histovet.usage.figures import Figures, Period, figures, last_day, rounded

DAY = dt.date


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, None), (1, None), (5, None), (9, None), (10, 10), (14, 10), (15, 20),
        (24, 20), (25, 30), (94, 90), (95, 100), (1004, 1000), (1005, 1010),
        (9_999_996, 10_000_000),
    ],
)  # fmt: skip
def test_a_count_is_shown_to_the_nearest_ten_and_not_below(count, shown):
    assert rounded(count) == shown


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-26T00:59:59+00:00", DAY(2026, 11, 24)),
        ("2026-11-26T01:00:00+00:00", DAY(2026, 11, 25)),
        ("2026-11-26T23:59:59+00:00", DAY(2026, 11, 25)),
        ("2026-11-26T01:30:00+01:00", DAY(2026, 11, 24)),
    ],
)
def test_a_day_is_published_when_it_has_been_over_for_an_hour(now, day):
    assert last_day(dt.datetime.fromisoformat(now)) == day


@pytest.mark.django_db
def test_a_site_that_has_just_opened_has_no_figures():
    assert figures(DAY(2026, 11, 25)) == Figures(None)


@pytest.mark.django_db
def test_days_and_months_are_without_a_gap(rows):
    rows(
        {
            "2026-10-30": {What.LINK: 26},
            "2026-10-31": {What.LINK: 8},
            "2026-11-02": {What.LINK: 9, What.DOCUMENT: 12},
            "2026-11-03": {What.LINK: 500},
        }
    )
    found = figures(DAY(2026, 11, 2))
    assert found.since == DAY(2026, 10, 30)
    assert [(one.first.isoformat(), one.counts[What.LINK]) for one in found.days] == [
        ("2026-10-30", 30),
        ("2026-10-31", None),
        ("2026-11-01", None),
        ("2026-11-02", None),
    ]
    assert [one.counts[What.DOCUMENT] for one in found.days] == [None, None, None, 10]
    # Of the month itself, not of its rounded days: 34, and not 30.
    assert found.months == (
        Period(DAY(2026, 10, 1), dict.fromkeys(What) | {What.LINK: 30}),
    )


@pytest.mark.django_db
def test_a_month_is_rounded_by_itself(rows):
    rows({f"2026-10-{day:02}": {What.LINK: 8} for day in range(1, 32)})
    (month,) = figures(DAY(2026, 11, 1)).months
    assert month.counts[What.LINK] == 250


@pytest.mark.django_db
@pytest.mark.parametrize(("until", "months"), [((11, 29), 0), ((11, 30), 1)])
def test_a_month_appears_when_its_last_day_is_published(rows, until, months):
    rows({"2026-11-02": {What.LINK: 90}})
    assert len(figures(DAY(2026, *until)).months) == months


@pytest.mark.django_db
def test_a_day_with_one_report_is_that_of_a_day_with_none(rows):
    rows({"2026-11-01": {What.SELLER_REPORT: 1}, "2026-11-03": {What.LINK: 0}})
    one, none, also_none = figures(DAY(2026, 11, 3)).days
    assert one.counts == none.counts == also_none.counts


@pytest.mark.django_db
def test_what_came_late_does_not_change_a_day_that_was_read(rows):
    """The difference would tell what came."""
    rows({"2026-11-01": {What.LINK: 14}})
    before = figures(DAY(2026, 11, 1))
    rows({"2026-11-01": {What.DOCUMENT: 10}})
    assert figures(DAY(2026, 11, 1)) == before
    assert figures(DAY(2026, 11, 2)).days[0].counts[What.DOCUMENT] == 10


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        (40, [0, 10, 20, 30, 40]),
        (41, [0, 20, 40, 60]),
        (1000, [0, 250, 500, 750, 1000]),
        (1010, [0, 500, 1000, 1500]),
    ],
)
def test_an_axis_has_round_marks(most, marks):
    assert list(round_marks(most)) == marks


def periods(*counts: int | None) -> list[Period]:
    return [
        Period(DAY(2026, 1 + place, 1), {What.LINK: count})
        for place, count in enumerate(counts)
    ]


def test_a_bar_is_as_high_as_its_count():
    chart = bars("", What.LINK, periods(100, 50, None, 0))
    full, half, none, nought = (bar.height for bar in chart.bars)
    assert full == 2 * half
    assert none == nought == 2, "what is below ten looks like nothing at all"
    assert {bar.y + bar.height for bar in chart.bars} == {chart.baseline}
    assert chart.most == 100
    assert (chart.first, chart.last) == (DAY(2026, 1, 1), DAY(2026, 4, 1))


@pytest.mark.parametrize("count", [1, 2, 12, 30])
def test_bars_stay_within_the_picture(count):
    chart = bars("", What.LINK, periods(*[10] * min(count, 12)))
    ends = [float(bar.x[:-1]) + float(bar.width[:-1]) for bar in chart.bars]
    starts = [float(bar.x[:-1]) for bar in chart.bars]
    assert starts[0] >= 24 and ends[-1] <= 100
    assert all(end < start for end, start in zip(ends, starts[1:], strict=False))


def test_a_chart_of_nothing_has_an_axis():
    chart = bars("", What.LINK, periods(None, None))
    assert [mark.value for mark in chart.marks] == [0, 10, 20, 30, 40]
    assert chart.most is None
