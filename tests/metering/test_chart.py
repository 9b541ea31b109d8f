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
    tops = [chart.HEIGHT, *(part.y for part in column.parts)]
    return [(top, part.y + part.height) for top, part in zip(tops, column.parts, strict=False)]


@given(days=st.lists(AMOUNTS, min_size=1, max_size=31))
def test_parts_meet_and_the_highest_day_fills_the_picture(days: list[tuple[int, ...]]) -> None:
    picture = drawn(days)

    tops = [column.parts[-1].y for column in picture.columns if column.parts]
    assert all(top == bottom for column in picture.columns for top, bottom in edges(column))
    assert min(tops, default=0) == 0
    assert picture.is_empty == (not tops)
    assert [column.total for column in picture.columns] == [sum(amounts) for amounts in days]


def test_a_day_without_use_has_a_place_and_no_parts() -> None:
    picture = drawn([(5, 0, 0), (0, 0, 0), (0, 0, 5)])

    assert [len(column.parts) for column in picture.columns] == [1, 0, 1]
    assert picture.width == 3 * chart.DAY_WIDTH


def test_what_refunds_took_below_nothing_is_not_drawn() -> None:
    (column,) = drawn([(-5, 10, 0)]).columns

    assert [(part.name, part.value) for part in column.parts] == [(2, 10)]
    assert column.total == 5
