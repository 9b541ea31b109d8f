"""The columns of the usage chart: whole numbers, without gaps, never out of the picture."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metering import chart

FIRST = date(2026, 11, 1)
NAMES = ("a", "b", "c")
AMOUNTS = st.tuples(*[st.integers(-(10**9), 10**12) for _ in NAMES])


def drawn(days: list[tuple[int, ...]]) -> chart.Chart:
    values = {
        (FIRST + timedelta(days=n), name): amount
        for n, amounts in enumerate(days)
        for name, amount in zip(NAMES, amounts, strict=True)
    }
    last = FIRST + timedelta(days=len(days) - 1)
    return chart.stacked(values=values, names=NAMES, first=FIRST, last=last)


def edges(column: chart.Column) -> list[tuple[int, int]]:
    """Where each part ends below and where the next one begins."""
    tops = [chart.WHOLE, *(part.y for part in column.parts)]
    return [(top, part.y + part.height) for top, part in zip(tops, column.parts, strict=False)]


@given(days=st.lists(AMOUNTS, min_size=1, max_size=31))
def test_parts_meet_and_the_highest_day_fills_at_least_half(days: list[tuple[int, ...]]) -> None:
    picture = drawn(days)

    tops = [column.parts[-1].y for column in picture.columns if column.parts]
    assert all(top == bottom for column in picture.columns for top, bottom in edges(column))
    assert 0 <= min(tops, default=0) <= chart.WHOLE // 2
    assert picture.is_empty == (not tops)
    assert [column.total for column in picture.columns] == [sum(amounts) for amounts in days]


def test_a_day_without_use_has_a_place_and_no_parts() -> None:
    picture = drawn([(5, 0, 0), (0, 0, 0), (0, 0, 5)])

    assert [len(column.parts) for column in picture.columns] == [1, 0, 1]
    assert [column.x for column in picture.columns] == [0, 3333, 6666]


@given(days=st.integers(1, 31))
def test_columns_stand_side_by_side_inside_the_picture(days: int) -> None:
    columns = drawn([(1, 0, 0)] * days).columns

    assert [column.x for column in columns[1:]] == [c.x + c.width for c in columns[:-1]]
    assert columns[-1].x + columns[-1].width == chart.WHOLE
    assert all(
        c.x <= c.parts[0].x < c.parts[0].x + c.parts[0].width <= c.x + c.width for c in columns
    )


def test_what_refunds_took_below_nothing_is_not_drawn() -> None:
    (column,) = drawn([(-5, 10, 0)]).columns

    assert [(part.name, part.value) for part in column.parts] == [(2, 10)]
    assert column.total == 5


@given(value=st.integers(0, 10**18))
def test_the_scale_ends_at_a_round_number_whose_half_is_one_too(value: int) -> None:
    top = chart.tidy(value)

    assert value <= top
    assert top <= max(2 * value, 2)
    assert top % 2 == 0
    assert [len(str(figure).rstrip("0")) for figure in (top, top // 2)] == [1, 1]


def test_a_long_chart_has_a_number_below_one_day_in_a_week() -> None:
    month, week = drawn([(1, 0, 0)] * 30), drawn([(1, 0, 0)] * 7)

    assert [c.day.day for c in month.columns if c.is_labelled] == [1, 8, 15, 22, 29]
    assert all(column.is_labelled for column in week.columns)


def test_places_are_written_as_an_svg_reads_them() -> None:
    (column,) = drawn([(1, 0, 0)]).columns

    assert column.place == {"x": "0.00%", "width": "100.00%", "middle": "50.00%"}
    assert column.parts[0].place["y"] == "50.00%"
